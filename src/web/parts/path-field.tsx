import { Button, Input, TextInput } from '@mantine/core'
import { IconFolderSearch } from '@tabler/icons-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import type { Wanted } from './path-chooser.ts'
import classes from './path-field.module.css'

const PathChooser = lazy(() =>
  import('./path-chooser.tsx').then((module) => ({ default: module.PathChooser })),
)

interface PathFieldProps {
  readonly label: string
  readonly wanted: Wanted
  readonly value: string
  readonly onChange: (path: string) => void
  /** Called with a path that was chosen, which is a whole one. */
  readonly onChosen?: (path: string) => void
  readonly description?: ReactNode
  readonly placeholder?: string
  readonly error?: string | undefined
  readonly required?: boolean
  /** What is done with the path, on the same line. */
  readonly action?: ReactNode
}

/** A full path, typed or chosen. */
export function PathField({
  label,
  wanted,
  value,
  onChange,
  onChosen,
  error,
  action,
  ...rest
}: PathFieldProps) {
  const [open, setOpen] = useState(false)
  const choose = (path: string) => {
    setOpen(false)
    onChange(path)
    onChosen?.(path)
  }
  return (
    <>
      <div className={classes.field}>
        <TextInput
          label={label}
          value={value}
          error={error !== undefined}
          onChange={(event) => onChange(event.currentTarget.value)}
          spellCheck={false}
          autoComplete="off"
          {...rest}
        />
        <Button
          variant="default"
          leftSection={<IconFolderSearch size={16} />}
          aria-label={`Choose: ${label}`}
          onClick={() => setOpen(true)}
        >
          Choose
        </Button>
        {action}
      </div>
      {error !== undefined && <FieldError>{error}</FieldError>}
      <Suspense>
        {open && (
          <PathChooser wanted={wanted} from={value} onChoose={choose} onClose={() => setOpen(false)} />
        )}
      </Suspense>
    </>
  )
}

function FieldError({ children }: { readonly children: ReactNode }) {
  return (
    <Input.Error mt={4} role="alert">
      {children}
    </Input.Error>
  )
}
