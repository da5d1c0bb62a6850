import { Anchor, Button, Stack, Table, Text } from '@mantine/core'
import { IconPlayerStop, IconTrash } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { NetworkDetails } from '../../../../api/index.ts'
import { formatSize } from '../../../../base/index.ts'
import { call } from '../../../client.ts'
import { captureFilesQuery, capturesQuery } from '../../../network/network-queries.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { baseName } from '../../../parts/format.ts'
import { Panel } from '../../../parts/panel.tsx'
import { ReasonIcon } from '../../../parts/reason-button.tsx'
import { Ago } from '../../../parts/times.tsx'

/** Captures that run on this network, and the files of all. */
export function Captures({ network }: { readonly network: NetworkDetails }) {
  return (
    <Stack gap="md">
      <Running network={network} />
      <Files />
    </Stack>
  )
}

function Running({ network }: { readonly network: NetworkDetails }) {
  const captures = useQuery(capturesQuery)
  const cache = useQueryClient()
  const stop = useMutation({
    mutationFn: (id: number) => call('stopCapture', { id }),
    onSuccess: () =>
      Promise.all([
        cache.invalidateQueries({ queryKey: ['captures'] }),
        cache.invalidateQueries({ queryKey: ['capture-files'] }),
      ]),
  })
  const own = captures.data?.filter((capture) => capture.network === network.key) ?? []
  return (
    <Panel title="Running">
      {captures.isError && <ErrorCard title="The captures cannot be listed" error={captures.error} />}
      {captures.isSuccess && own.length === 0 && (
        <Text size="sm" c="dimmed">
          None. The button "Capture" starts one.
        </Text>
      )}
      {own.length > 0 && (
        <Table.ScrollContainer minWidth={560} type="native">
          <Table aria-label="Running captures">
            <Table.Tbody>
              {own.map((capture) => (
                <Table.Tr key={capture.id}>
                  <Table.Td>
                    {capture.path === undefined ? 'to a browser' : baseName(capture.path)}
                    <Text size="xs" c="dimmed">
                      since <Ago time={capture.startedAt} />
                    </Text>
                  </Table.Td>
                  <Table.Td>
                    {capture.framesCaptured} frames, {formatSize(capture.bytesCaptured)}
                    {capture.framesDropped > 0 && `, ${capture.framesDropped} missed`}
                  </Table.Td>
                  <Table.Td ta="right">
                    <Button
                      size="compact-sm"
                      variant="default"
                      leftSection={<IconPlayerStop size={14} />}
                      loading={stop.isPending && stop.variables === capture.id}
                      onClick={() => stop.mutate(capture.id)}
                    >
                      Stop
                    </Button>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  )
}

function Files() {
  const files = useQuery(captureFilesQuery)
  const cache = useQueryClient()
  const remove = useMutation({
    mutationFn: (name: string) => call('deleteCaptureFile', { name }),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['capture-files'] }),
  })
  return (
    <Panel title="Files">
      {files.isError && <ErrorCard title="The files cannot be listed" error={files.error} />}
      {files.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          None yet.
        </Text>
      )}
      {files.data !== undefined && files.data.length > 0 && (
        <Table.ScrollContainer minWidth={560} type="native">
          <Table aria-label="Capture files">
            <Table.Tbody>
              {files.data.map((file) => (
                <Table.Tr key={file.name}>
                  <Table.Td>
                    <Anchor
                      href={`/api/capture-files/${encodeURIComponent(file.name)}`}
                      download={file.name}
                      size="sm"
                    >
                      {file.name}
                    </Anchor>
                    <Text size="xs" c="dimmed" className="path">
                      {file.path}
                    </Text>
                  </Table.Td>
                  <Table.Td>{formatSize(file.sizeBytes)}</Table.Td>
                  <Table.Td>
                    <Ago time={file.modifiedAt} />
                  </Table.Td>
                  <Table.Td ta="right">
                    <ReasonIcon label={`Delete ${file.name}`} onClick={() => remove.mutate(file.name)}>
                      <IconTrash size={18} />
                    </ReasonIcon>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Panel>
  )
}
