import { Button, Center, Loader, Paper } from '@mantine/core'
import { IconFileImport } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { useSearchParams } from 'react-router'
import type { Inspection } from '../../api/index.ts'
import { inspectionQuery } from '../queries.ts'
import { ErrorCard } from './error-card.tsx'
import { baseName } from './format.ts'
import { Page } from './page.tsx'
import type { Wanted } from './path-chooser.ts'
import { PathField } from './path-field.tsx'
import { ReasonButton } from './reason-button.tsx'

/** The kinds of file that hold one. */
const KINDS: Record<'machine' | 'network', readonly Inspection['kind'][]> = {
  machine: ['machine'],
  network: ['network', 'options'],
}

interface AddFileProps {
  readonly title: string
  readonly lead: string
  /** What the file is to be. */
  readonly what: keyof typeof KINDS
  readonly field: {
    readonly label: string
    readonly description: string
    readonly wanted: Wanted
    readonly placeholder: string
  }
  readonly add: {
    readonly mutate: (path: string) => void
    readonly isPending: boolean
    /** What the server said of the last attempt; null: nothing bad. */
    readonly error: Error | null
  }
  /** What is in the file. */
  readonly children: (inspection: Inspection, path: string) => ReactNode
}

/** Adds a file of the host, Virtual Server's way: by its full path; what is in it is shown before it is added. */
export function AddFile({ title, lead, what, field, add, children }: AddFileProps) {
  const [search] = useSearchParams()
  const [typed, setTyped] = useState(search.get('path') ?? '')
  const [shown, setShown] = useState(typed)
  const inspection = useQuery({ ...inspectionQuery(shown), enabled: shown !== '' })
  const path = typed.trim()
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setShown(path)
  }
  return (
    <Page title={title} lead={lead}>
      <Paper p="md" mb="md">
        <form onSubmit={submit}>
          <PathField
            {...field}
            value={typed}
            onChange={setTyped}
            onChosen={setShown}
            action={
              <>
                <Button type="submit" variant="default" loading={inspection.isFetching}>
                  Look inside
                </Button>
                <ReasonButton
                  leftSection={<IconFileImport size={18} />}
                  loading={add.isPending}
                  reason={whyNotAdd(what, path, path === shown ? inspection.data : undefined)}
                  onClick={() => add.mutate(path)}
                >
                  Add
                </ReasonButton>
              </>
            }
          />
        </form>
      </Paper>
      <section aria-live="polite" aria-label={`The chosen ${what}`}>
        {add.error !== null && <ErrorCard title={`The ${what} was not added`} error={add.error} />}
        {shown !== '' && inspection.isPending && (
          <Center mih={160}>
            <Loader aria-label="Reading the file" />
          </Center>
        )}
        {inspection.isError && (
          <ErrorCard title={`${baseName(shown)} cannot be read`} error={inspection.error} />
        )}
        {inspection.isSuccess && children(inspection.data, shown)}
      </section>
    </Page>
  )
}

/** A path that was not looked at can be added too: the server reads it again and says what is wrong. */
function whyNotAdd(
  what: keyof typeof KINDS,
  path: string,
  inspection: Inspection | undefined,
): string | undefined {
  if (path === '') return `Give the path of a ${what} first.`
  if (inspection !== undefined && !KINDS[what].includes(inspection.kind)) return `This file is not a ${what}.`
  return undefined
}
