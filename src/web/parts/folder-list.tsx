import { Text, UnstyledButton } from '@mantine/core'
import {
  IconDatabase,
  IconDeviceDesktop,
  IconDeviceFloppy,
  IconDisc,
  IconFile,
  IconFolder,
  IconNetwork,
} from '@tabler/icons-react'
import type { KeyboardEvent, ReactNode } from 'react'
import type { Folder } from '../../api/index.ts'
import { formatSize } from '../../base/index.ts'
import classes from './folder-list.module.css'

type Entry = Folder['entries'][number]

const KINDS = {
  folder: [<IconFolder key="i" size={20} />, 'folder'],
  machine: [<IconDeviceDesktop key="i" size={20} />, 'virtual machine'],
  disk: [<IconDatabase key="i" size={20} />, 'virtual disk'],
  floppy: [<IconDeviceFloppy key="i" size={20} />, 'floppy disk'],
  cd: [<IconDisc key="i" size={20} />, 'CD image'],
  network: [<IconNetwork key="i" size={20} />, 'virtual network'],
  other: [<IconFile key="i" size={20} />, 'file'],
} as const satisfies Record<Entry['kind'], readonly [ReactNode, string]>

interface FolderListProps {
  readonly entries: readonly Entry[]
  readonly onOpen: (entry: Entry) => void
}

/** One button an entry; arrow keys go up and down. */
export function FolderList({ entries, onOpen }: FolderListProps) {
  if (entries.length === 0)
    return (
      <Text size="sm" c="dimmed" ta="center" py="xl">
        Nothing here that can be chosen.
      </Text>
    )
  return (
    <ul className={classes.list} aria-label="Files and folders">
      {entries.map((entry) => (
        <li key={entry.path}>
          <UnstyledButton className={classes.entry} onClick={() => onOpen(entry)} onKeyDown={moveFocus}>
            {KINDS[entry.kind][0]}
            <span className="one-line" title={entry.path}>
              {entry.name}
            </span>
            <small>{KINDS[entry.kind][1]}</small>
            <small>{entry.kind === 'folder' ? '' : formatSize(entry.sizeBytes)}</small>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  )
}

function moveFocus(event: KeyboardEvent<HTMLButtonElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const buttons = [...(event.currentTarget.closest('ul')?.querySelectorAll('button') ?? [])]
  const at = buttons.indexOf(event.currentTarget)
  event.preventDefault()
  buttons.at((at + (event.key === 'ArrowDown' ? 1 : -1)) % buttons.length)?.focus()
}
