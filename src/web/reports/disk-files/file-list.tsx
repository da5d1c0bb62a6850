import { Button, Text, TextInput, UnstyledButton } from '@mantine/core'
import { IconDownload, IconFile, IconFileUnknown, IconFolder, IconLink } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import type { DiskEntry } from '../../../api/index.ts'
import { formatSize } from '../../../base/index.ts'
import { formatWhen } from '../../parts/format.ts'
import classes from './disk-files.module.css'
import { moveFocus } from './move-focus.ts'
import { fileAddress, type Place } from './place.ts'

/** A system folder has some thousand files; the page shows so many at once. */
const SHOWN = 300
/** A folder that is longer can be searched by name. */
const SEARCHED_FROM = 20

const ICONS = {
  folder: <IconFolder size={20} />,
  file: <IconFile size={20} />,
  link: <IconLink size={20} />,
  other: <IconFileUnknown size={20} />,
} as const satisfies Record<DiskEntry['kind'], ReactNode>

interface FileListProps {
  readonly entries: readonly DiskEntry[]
  readonly path: string
  readonly place: Place
  readonly onOpen: (name: string) => void
}

/** Folders open, files are downloaded; links and devices are only shown. */
export function FileList({ entries, path, place, onOpen }: FileListProps) {
  const [wanted, setWanted] = useState('')
  const [shown, setShown] = useState(SHOWN)
  const found = entries.filter(({ name }) => name.toLowerCase().includes(wanted.trim().toLowerCase()))
  return (
    <>
      {entries.length >= SEARCHED_FROM && (
        <TextInput
          aria-label="Show names with"
          placeholder={`Search ${entries.length} names`}
          size="xs"
          mb="xs"
          maw={320}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {found.length === 0 && (
        <Text size="sm" c="dimmed" ta="center" py="xl">
          {entries.length === 0 ? 'The folder is empty.' : 'No name has that in it.'}
        </Text>
      )}
      <ul className={classes.list} aria-label="Files and folders">
        {found.slice(0, shown).map((entry) => (
          <li key={entry.name}>
            <Entry entry={entry} address={fileAddress(path, place, entry.name)} onOpen={onOpen} />
          </li>
        ))}
      </ul>
      {found.length > shown && (
        <Button variant="default" size="xs" mt="xs" onClick={() => setShown(shown * 4)}>
          Show more of {found.length}
        </Button>
      )}
    </>
  )
}

interface EntryProps {
  readonly entry: DiskEntry
  readonly address: string
  readonly onOpen: (name: string) => void
}

function Entry({ entry, address, onOpen }: EntryProps) {
  const { name, kind, sizeBytes, modified, target } = entry
  const row = (
    <>
      {ICONS[kind]}
      <span className="one-line" title={name}>
        {name}
        {kind === 'link' && (
          <Text span size="xs" c="dimmed">
            {' '}
            leads to {target ?? 'somewhere unknown'}
          </Text>
        )}
      </span>
      <small>{modified === undefined ? '' : formatWhen(modified)}</small>
      <small>{kind === 'file' ? formatSize(sizeBytes) : ''}</small>
      <span className={classes.act}>{kind === 'file' && <IconDownload size={16} aria-hidden />}</span>
    </>
  )
  if (kind === 'folder')
    return (
      <UnstyledButton className={classes.entry} onClick={() => onOpen(name)} onKeyDown={moveFocus}>
        {row}
      </UnstyledButton>
    )
  if (kind === 'file')
    return (
      <a className={classes.entry} href={address} download={name} onKeyDown={moveFocus}>
        {row}
      </a>
    )
  return (
    <div className={classes.entry} data-unreadable>
      {row}
    </div>
  )
}
