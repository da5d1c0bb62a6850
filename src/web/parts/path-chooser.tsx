import { Button, Checkbox, Group, Modal, ScrollArea, Text, TextInput } from '@mantine/core'
import { IconArrowUp } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Folder } from '../../api/index.ts'
import { folderQuery, useHost } from '../queries.ts'
import { ErrorCard } from './error-card.tsx'
import { FolderList } from './folder-list.tsx'
import { startFolder, visibleEntries, type Wanted } from './path-chooser.ts'
import { ReasonIcon } from './reason-button.tsx'

interface ChooserProps {
  /** Which kinds can be chosen; "folder" chooses a place. */
  readonly wanted: Wanted
  /** What the field holds now: the chooser opens beside it. */
  readonly from: string
  readonly onChoose: (path: string) => void
  readonly onClose: () => void
}

/** Walks the folders of the server's computer, not of this browser's. */
export function PathChooser({ wanted, from, onChoose, onClose }: ChooserProps) {
  const [path, setPath] = useState(startFolder(from))
  const [typed, setTyped] = useState<string>()
  const [all, setAll] = useState(false)
  const folder = useQuery(folderQuery(path))
  const library = useHost().data?.libraryFolder
  // Asked without a path the server answers with its user's own folder.
  const here = folder.data?.path ?? path
  const go = (to: string | undefined) => {
    setTyped(undefined)
    setPath(to)
  }
  const open = (entry: Folder['entries'][number]) =>
    entry.kind === 'folder' ? go(entry.path) : onChoose(entry.path)
  return (
    <Modal
      opened
      onClose={onClose}
      title={wanted === 'folder' ? 'Choose a folder' : 'Choose a file'}
      size="lg"
    >
      <Text size="xs" c="dimmed" mb="xs">
        Files and folders of the computer Vivarium runs on.
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (typed !== undefined) go(typed.trim() === '' ? undefined : typed.trim())
        }}
      >
        <Group gap="xs" wrap="nowrap">
          <ReasonIcon
            label="Up one folder"
            variant="default"
            reason={folder.data?.parent === undefined ? 'There is none above this one.' : undefined}
            onClick={() => go(folder.data?.parent)}
          >
            <IconArrowUp size={18} />
          </ReasonIcon>
          <TextInput
            flex={1}
            aria-label="Folder"
            value={typed ?? here ?? ''}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
        </Group>
      </form>
      <Group gap={6} mt="xs">
        <Place label="Home" onClick={() => go(undefined)} />
        {library !== undefined && <Place label="Library" onClick={() => go(library)} />}
        <Place label="Whole computer" onClick={() => go('/')} />
      </Group>
      <ScrollArea.Autosize mah="50vh" mih={220} mt="sm" type="auto">
        {folder.isError && (
          <ErrorCard
            title="This folder cannot be shown"
            error={folder.error}
            retry={() => folder.refetch()}
          />
        )}
        {folder.isSuccess && (
          <FolderList entries={visibleEntries(folder.data.entries, wanted, all)} onOpen={open} />
        )}
      </ScrollArea.Autosize>
      <Group justify="space-between" mt="md">
        {wanted === 'folder' ? (
          <span />
        ) : (
          <Checkbox
            label="Show all files"
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
        )}
        <Group gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          {wanted === 'folder' && (
            <Button disabled={!folder.isSuccess} onClick={() => here !== undefined && onChoose(here)}>
              Choose this folder
            </Button>
          )}
        </Group>
      </Group>
    </Modal>
  )
}

function Place({ label, onClick }: { readonly label: string; readonly onClick: () => void }) {
  return (
    <Button size="compact-xs" variant="light" onClick={onClick}>
      {label}
    </Button>
  )
}
