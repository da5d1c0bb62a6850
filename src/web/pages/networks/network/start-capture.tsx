import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { IconDownload, IconPlayerRecord } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { Input, NetworkDetails } from '../../../../api/index.ts'
import { call } from '../../../client.ts'
import { adapterName } from '../../../network/use-move-adapter.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { ReasonButton } from '../../../parts/reason-button.tsx'
import { type Draft, textAt } from '../form/draft.ts'
import { FieldInputs } from '../form/field-input.tsx'
import type { Field } from '../form/fields.ts'

/** Records what passes, for Wireshark: into a file here, or straight into this browser's downloads. */
export function StartCapture({ network }: { readonly network: NetworkDetails }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <ReasonButton
        variant="default"
        leftSection={<IconPlayerRecord size={18} />}
        reason={network.isOn ? undefined : 'Nothing passes while the network is off.'}
        onClick={() => setOpen(true)}
      >
        Capture
      </ReasonButton>
      {open && <CaptureDialog network={network} onClose={() => setOpen(false)} />}
    </>
  )
}

function CaptureDialog({ network, onClose }: { network: NetworkDetails; onClose: () => void }) {
  const [draft, setDraft] = useState<Draft>({ maximumMiB: 100 })
  const cache = useQueryClient()
  const navigate = useNavigate()
  const start = useMutation({
    meta: { quiet: true },
    mutationFn: () => call('startCapture', requestOf(network.key, draft)),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ['captures'] })
      navigate(`/network/${network.key}/captures`)
      onClose()
    },
  })
  return (
    <Modal opened onClose={onClose} size="lg" title={`Capture on ${network.name}`}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          Every frame that meets all of this; empty fields let everything through.
        </Text>
        <FieldInputs fields={fieldsOf(network)} at="" draft={draft} faults={[]} change={setDraft} />
        {start.isError && <ErrorCard title="The capture did not start" error={start.error} />}
        <Group justify="space-between">
          <Anchor href={liveUrl(network.key, draft)} download={`${network.name}.pcapng`} size="sm">
            <Group gap={6} wrap="nowrap">
              <IconDownload size={16} />
              Into this browser, until it is cancelled
            </Group>
          </Anchor>
          <Button loading={start.isPending} onClick={() => start.mutate()}>
            Start
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}

const FILTERS: readonly Field[] = [
  {
    kind: 'choice',
    name: 'protocol',
    label: 'Protocol',
    byDefault: '',
    choices: ['', 'arp', 'ipv4', 'ipv6', 'icmp', 'tcp', 'udp'].map((value) => ({
      value,
      label: value === '' ? 'All' : value.toUpperCase(),
    })),
  },
  { kind: 'text', name: 'address', label: 'IPv4 address', empty: 'all' },
  { kind: 'text', name: 'mac', label: 'MAC address', empty: 'all' },
  { kind: 'number', name: 'portNumber', label: 'TCP or UDP port', empty: 'all' },
  { kind: 'number', name: 'snapLength', label: 'Bytes of each frame', empty: 'all of it' },
  { kind: 'number', name: 'maximumMiB', label: 'Largest file', explain: 'MiB; then the capture ends.' },
]

function fieldsOf({ adapters }: NetworkDetails): readonly Field[] {
  const ports = adapters.map((adapter) => ({
    value: adapter.port,
    label: `${adapter.machineName}, ${adapterName(adapter)}`,
  }))
  return [
    {
      kind: 'choice',
      name: 'port',
      label: 'Machine',
      byDefault: '',
      choices: [{ value: '', label: 'All' }, ...ports],
    },
    ...FILTERS,
  ]
}

const FILTER_NAMES = ['port', 'mac', 'address', 'protocol', 'portNumber', 'snapLength'] as const

function filterOf(draft: Draft): [string, unknown][] {
  return FILTER_NAMES.map((name): [string, unknown] => [name, draft[name]]).filter(
    ([, value]) => value !== undefined && value !== '',
  )
}

function requestOf(key: string, draft: Draft): Input<'startCapture'> {
  const most = Number(textAt(draft, 'maximumMiB'))
  return {
    key,
    filter: Object.fromEntries(filterOf(draft)),
    ...(most > 0 && { maximumBytes: Math.round(most * 2 ** 20) }),
  }
}

/** Streams for as long as the browser reads. */
function liveUrl(key: string, draft: Draft): string {
  const query = new URLSearchParams(filterOf(draft).map(([name, value]) => [name, String(value)]))
  return `/api/networks/${encodeURIComponent(key)}/capture.pcapng?${query}`
}
