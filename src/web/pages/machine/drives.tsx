import { ActionIcon, Anchor, Group, List, Stack, Text } from '@mantine/core'
import { IconDatabase, IconDisc } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { Link } from 'react-router'
import type { MachineDetails } from '../../../api/index.ts'
import { formatSize } from '../../../base/index.ts'
import { call } from '../../client.ts'
import { whyNot } from '../../machine/machine-actions.ts'
import { baseName } from '../../parts/format.ts'
import { ReasonButton } from '../../parts/reason-button.tsx'
import { reportDone } from '../../parts/toast.tsx'
import { filesAddress, inspectAddress } from '../../reports/inspect-address.ts'

const PathChooser = lazy(() =>
  import('../../parts/path-chooser.tsx').then((m) => ({ default: m.PathChooser })),
)

type Drive = MachineDetails['drives'][number]

/** The drives as the engine gets them: each disk with its layers, topmost first. */
export function Drives({ machine }: { readonly machine: MachineDetails }) {
  if (machine.drives.length === 0)
    return (
      <Text size="sm" c="dimmed">
        No drives.
      </Text>
    )
  return (
    <Stack gap="md">
      {machine.drives.map((drive) => (
        <Group key={`${drive.channel}:${drive.unit}`} align="flex-start" wrap="nowrap" gap="sm">
          <ActionIcon component="span" variant="light" size="lg" aria-hidden>
            {drive.kind === 'cd' ? <IconDisc size={18} /> : <IconDatabase size={18} />}
          </ActionIcon>
          <div style={{ minWidth: 0, flex: 1 }}>
            <Text size="sm" fw={600}>
              {drive.kind === 'cd' ? 'CD drive' : 'Hard disk'}
              <Text span size="xs" c="dimmed" fw={400}>
                {' '}
                {drive.channel === 0 ? 'primary' : 'secondary'} IDE {drive.unit === 0 ? 'master' : 'slave'}
                {drive.sizeBytes !== undefined && ` · ${formatSize(drive.sizeBytes)}`}
              </Text>
            </Text>
            {drive.kind === 'cd' ? <Disc machine={machine} drive={drive} /> : <Layers drive={drive} />}
          </div>
        </Group>
      ))}
    </Stack>
  )
}

function Layers({ drive }: { readonly drive: Drive }) {
  if (drive.layers.length === 0)
    return (
      <Text size="sm" c="red">
        {drive.path === undefined ? 'no disk' : <span className="path">{drive.path}: cannot be opened</span>}
      </Text>
    )
  return (
    <>
      <List size="sm" type="ordered" spacing={2} aria-label="Layers, topmost first">
        {drive.layers.map((layer) => (
          <List.Item key={layer}>
            <Anchor component={Link} to={inspectAddress(layer)} size="sm" title={layer} className="path">
              {baseName(layer)}
            </Anchor>
          </List.Item>
        ))}
      </List>
      <Anchor component={Link} to={filesAddress(drive.layers[0]!)} size="xs">
        Files on this disk
      </Anchor>
    </>
  )
}

function Disc({ machine, drive }: { readonly machine: MachineDetails; readonly drive: Drive }) {
  const [choosing, setChoosing] = useState(false)
  const cache = useQueryClient()
  const change = useMutation({
    mutationFn: (path: string | null) =>
      call('changeCd', { id: machine.id, channel: drive.channel, unit: drive.unit, path }),
    onSuccess: (_done, path) => {
      reportDone(path === null ? 'The disc was taken out.' : `${baseName(path)} is in the drive.`)
      return cache.invalidateQueries({ queryKey: ['machine', machine.id] })
    },
  })
  const insert = (path: string) => {
    setChoosing(false)
    change.mutate(path)
  }
  const reason = whyNot('changeCd', machine)
  return (
    <>
      <Text size="sm" className="path">
        {drive.path ?? 'empty'}
      </Text>
      <Group gap="xs" mt={4}>
        <ReasonButton
          size="compact-xs"
          variant="default"
          reason={reason}
          loading={change.isPending}
          onClick={() => setChoosing(true)}
        >
          Change CD
        </ReasonButton>
        <ReasonButton size="compact-xs" variant="default" reason={reason} onClick={() => change.mutate(null)}>
          Take out
        </ReasonButton>
      </Group>
      <Suspense>
        {choosing && (
          <PathChooser
            wanted={['cd']}
            from={drive.path ?? machine.path}
            onChoose={insert}
            onClose={() => setChoosing(false)}
          />
        )}
      </Suspense>
    </>
  )
}
