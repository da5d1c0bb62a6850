import { Button, FileInput, Group, Progress, Stack, Text } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { Link } from 'react-router'
import { formatSize } from '../../../base/index.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { percentOf } from '../../parts/format.ts'
import { Panel } from '../../parts/panel.tsx'
import { PathField } from '../../parts/path-field.tsx'
import { uploadFile } from './upload-file.ts'

/** A disk from the computer in front of you, into a folder of the server. It appears there when all of it has come. */
export function Upload({ libraryFolder }: { readonly libraryFolder: string }) {
  const [file, setFile] = useState<File | null>(null)
  const [folder, setFolder] = useState(libraryFolder)
  const [sentBytes, setSentBytes] = useState(0)
  const stopper = useRef<AbortController>(undefined)
  const path = `${folder.replace(/\/$/, '')}/${file?.name ?? ''}`
  const upload = useMutation({
    mutationFn: (chosen: File) => {
      stopper.current = new AbortController()
      setSentBytes(0)
      return uploadFile(chosen, path, setSentBytes, stopper.current.signal)
    },
    meta: { quiet: true },
  })
  return (
    <Panel title="Upload">
      <Stack gap="md">
        <FileInput
          label="File"
          placeholder="Choose a disk image of this computer"
          value={file}
          onChange={setFile}
          disabled={upload.isPending}
        />
        <PathField label="Into the folder" wanted="folder" value={folder} onChange={setFolder} />
        {upload.isPending && file !== null && (
          <div>
            <Progress
              value={percentOf(sentBytes, file.size)}
              aria-label={`Uploading ${file.name}`}
              animated
            />
            <Text size="xs" c="dimmed" mt={4}>
              {formatSize(sentBytes)} of {formatSize(file.size)}
            </Text>
          </div>
        )}
        {upload.isError && <ErrorCard title="It was not uploaded" error={upload.error} />}
        {upload.isSuccess && (
          <Text size="sm" role="status">
            All of it is there.{' '}
            <Link to={`/disks/inspect?path=${encodeURIComponent(path)}`}>Inspect {file?.name}</Link>
          </Text>
        )}
        <Group justify="flex-end">
          {upload.isPending && (
            <Button variant="default" onClick={() => stopper.current?.abort()}>
              Cancel
            </Button>
          )}
          <Button
            leftSection={<IconUpload size={16} />}
            disabled={file === null}
            loading={upload.isPending}
            onClick={() => file !== null && upload.mutate(file)}
          >
            Upload
          </Button>
        </Group>
      </Stack>
    </Panel>
  )
}
