import { Anchor, Breadcrumbs, Button, Center, Group, Loader, Text } from '@mantine/core'
import { IconFileZip } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { useLocation, useSearchParams } from 'react-router'
import type { DiskVolume } from '../../../api/index.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { baseName } from '../../parts/format.ts'
import { Panel } from '../../parts/panel.tsx'
import { diskFolderQuery, diskVolumesQuery } from '../../queries.ts'
import { FileList } from './file-list.tsx'
import { archiveAddress, firstPlace, formatPlace, type Place, parsePlace, volumeName } from './place.ts'
import { VolumeList } from './volume-list.tsx'

/** The files inside a disk. Where one is, is in the address, so "back" goes back and a folder can be linked to. */
export function FilesPanel({ path }: { readonly path: string }) {
  const volumes = useQuery(diskVolumesQuery(path))
  const { hash } = useLocation()
  const place = useRef<HTMLDivElement>(null)
  // The browser itself looks for the place of "#files" before there is one.
  useEffect(() => {
    if (hash === '#files') place.current?.scrollIntoView()
  }, [hash])
  return (
    <div ref={place}>
      <Panel title="Files">
        {volumes.isPending && <Waiting label="Reading the disk" />}
        {volumes.isError && (
          <ErrorCard
            title="The disk cannot be looked into"
            error={volumes.error}
            retry={() => volumes.refetch()}
          />
        )}
        {volumes.isSuccess && <Browser path={path} volumes={volumes.data} />}
      </Panel>
    </div>
  )
}

interface BrowserProps {
  readonly path: string
  readonly volumes: readonly DiskVolume[]
}

function Browser({ path, volumes }: BrowserProps) {
  const [search, setSearch] = useSearchParams()
  const asked = search.get('in')
  const place = asked === null ? firstPlace(volumes) : parsePlace(asked)
  const go = (to: Place | undefined) =>
    setSearch((now) => {
      const next = new URLSearchParams(now)
      next.set('in', to === undefined ? '' : formatPlace(to))
      return next
    })
  if (volumes.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No file system is on this disk: it is blank, or damaged.
      </Text>
    )
  return (
    <>
      <Trail path={path} volumes={volumes} place={place} go={go} />
      {place === undefined ? (
        <VolumeList volumes={volumes} onOpen={(volume) => go({ volume, folders: [] })} />
      ) : (
        <Folder key={formatPlace(place)} path={path} place={place} go={go} />
      )}
    </>
  )
}

interface TrailProps extends BrowserProps {
  readonly place: Place | undefined
  readonly go: (to: Place | undefined) => void
}

/** From the disk to the folder that is shown; each part leads there. */
function Trail({ path, volumes, place, go }: TrailProps) {
  const volume = volumes.find(({ number }) => number === place?.volume)
  const parts: { name: string; to: Place | undefined }[] = [{ name: baseName(path), to: undefined }]
  if (place !== undefined) {
    const name = volume === undefined ? `Volume ${place.volume}` : volumeName(volume)
    parts.push({ name, to: { volume: place.volume, folders: [] } })
    for (const [index, folder] of place.folders.entries())
      parts.push({ name: folder, to: { volume: place.volume, folders: place.folders.slice(0, index + 1) } })
  }
  return (
    <nav aria-label="Folder">
      <Breadcrumbs mb="sm" separatorMargin={6} style={{ flexWrap: 'wrap' }}>
        {parts.map(({ name, to }, index) =>
          index === parts.length - 1 ? (
            <Text key={formatKey(to)} size="sm" fw={600} aria-current="page">
              {name}
            </Text>
          ) : (
            <Anchor key={formatKey(to)} component="button" type="button" size="sm" onClick={() => go(to)}>
              {name}
            </Anchor>
          ),
        )}
      </Breadcrumbs>
    </nav>
  )
}

function formatKey(place: Place | undefined): string {
  return place === undefined ? '' : formatPlace(place)
}

interface FolderProps {
  readonly path: string
  readonly place: Place
  readonly go: (to: Place) => void
}

function Folder({ path, place, go }: FolderProps) {
  const folder = useQuery(diskFolderQuery(path, place.volume, place.folders.join('/')))
  if (folder.isPending) return <Waiting label="Reading the folder" />
  if (folder.isError)
    return (
      <ErrorCard title="The folder cannot be listed" error={folder.error} retry={() => folder.refetch()} />
    )
  const { entries, problems } = folder.data
  return (
    <>
      {problems.map((problem) => (
        <Text key={problem} size="sm" c="red" mb="xs">
          {problem}
        </Text>
      ))}
      {entries.length > 0 && (
        <Group justify="flex-end" mb="xs">
          <Button
            component="a"
            href={archiveAddress(path, place)}
            download
            variant="default"
            size="xs"
            leftSection={<IconFileZip size={16} />}
          >
            Download this folder (.zip)
          </Button>
        </Group>
      )}
      <FileList
        entries={entries}
        path={path}
        place={place}
        onOpen={(name) => go({ ...place, folders: [...place.folders, name] })}
      />
    </>
  )
}

function Waiting({ label }: { readonly label: string }) {
  return (
    <Center mih={120}>
      <Loader aria-label={label} />
    </Center>
  )
}
