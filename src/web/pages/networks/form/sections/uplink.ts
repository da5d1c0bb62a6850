import type { Field } from '../fields.ts'

export const UPLINK_KINDS = [
  { value: 'none', label: 'None (guests only)', explain: 'The machines reach each other, and nobody else.' },
  {
    value: 'nat',
    label: 'Shared networking (NAT)',
    explain: 'The machines reach what this computer reaches. Nobody reaches them, but by forwarded ports.',
  },
  {
    value: 'bridge',
    label: "The host's network (bridge)",
    explain: 'The machines are on the network of this computer, as if they stood beside it.',
  },
  {
    value: 'adapter',
    label: 'An adapter of this computer',
    explain: 'As Virtual Server says it: over the bridge that the adapter is a port of.',
  },
  {
    value: 'hostOnly',
    label: 'Host only',
    explain: 'This computer and the machines reach each other, and nobody else.',
  },
  { value: 'tap', label: 'A tap device', explain: 'What is done with it is the affair of this computer.' },
] as const

export type UplinkKind = (typeof UPLINK_KINDS)[number]['value']

const DEVICE: Field = { kind: 'text', name: 'interface', label: 'Tap device', empty: 'named by Vivarium' }

/** Beside the uplink itself, as in a file of Virtual Server. */
export const ADAPTER_FIELD: Field = {
  kind: 'text',
  name: 'hostAdapter',
  label: 'Adapter',
  explain: 'Its name.',
  wide: true,
}

export const UPLINK_FIELDS: Record<Exclude<UplinkKind, 'none' | 'adapter'>, readonly Field[]> = {
  nat: [
    {
      kind: 'rows',
      name: 'forwards',
      label: 'Forwarded ports',
      explain: 'A port of this computer that leads to a machine.',
      one: 'port',
      blank: { protocol: 'tcp' },
      fields: [
        {
          kind: 'choice',
          name: 'protocol',
          label: 'Protocol',
          byDefault: 'tcp',
          choices: [
            { value: 'tcp', label: 'TCP' },
            { value: 'udp', label: 'UDP' },
          ],
        },
        { kind: 'text', name: 'hostAddress', label: 'Host address', empty: 'all of its addresses' },
        { kind: 'number', name: 'hostPort', label: 'Host port' },
        { kind: 'text', name: 'guestAddress', label: "Machine's address" },
        { kind: 'number', name: 'guestPort', label: "Machine's port" },
      ],
    },
    {
      kind: 'switch',
      name: 'hostLoopback',
      label: 'Machines reach services at 127.0.0.1 of this computer',
      explain: 'At 198.18.0.1. Only for machines that you trust.',
      byDefault: false,
    },
  ],
  bridge: [{ kind: 'text', name: 'bridge', label: 'Bridge', explain: 'This computer has none now.' }, DEVICE],
  hostOnly: [
    {
      kind: 'text',
      name: 'address',
      label: "This computer's address",
      explain: 'With its prefix, such as 10.244.0.2/24.',
    },
    DEVICE,
  ],
  tap: [{ kind: 'text', name: 'interface', label: 'Tap device', explain: 'Its name, such as tap0.' }],
}
