import type { Field } from '../form/fields.ts'

export const GUARD_FIELDS: readonly Field[] = [
  { kind: 'text', name: 'mac', label: 'MAC address', empty: "the adapter's own" },
  {
    kind: 'choice',
    name: 'ipv4',
    label: 'IPv4 addresses',
    byDefault: 'leased',
    choices: [
      { value: 'leased', label: 'Only those that DHCP gave it' },
      { value: 'any', label: 'Any' },
    ],
  },
  {
    kind: 'choice',
    name: 'ipv6',
    label: 'IPv6 addresses',
    byDefault: 'own',
    choices: [
      { value: 'own', label: 'Only those that no other station had first' },
      { value: 'any', label: 'Any' },
    ],
  },
  {
    kind: 'list',
    name: 'addresses',
    label: 'And these',
    explain: 'Set by hand in the guest.',
    empty: 'none',
  },
  {
    kind: 'switch',
    name: 'server',
    label: 'May be a DHCP server or an IPv6 router',
    byDefault: false,
  },
]

export const CONDITION_FIELDS: readonly Field[] = [
  {
    kind: 'choice',
    name: 'direction',
    label: 'Which way',
    byDefault: 'both',
    choices: [
      { value: 'both', label: 'Both' },
      { value: 'fromStation', label: 'What it sends' },
      { value: 'toStation', label: 'What it gets' },
    ],
  },
  { kind: 'number', name: 'lossPercent', label: 'Loss', explain: 'Percent of the frames.', empty: '0' },
  { kind: 'number', name: 'delayMs', label: 'Delay', explain: 'Milliseconds.', empty: '0' },
  { kind: 'number', name: 'jitterMs', label: 'Jitter', explain: 'Milliseconds, up or down.', empty: '0' },
  { kind: 'number', name: 'rateMbps', label: 'Rate', explain: 'Mbit/s.', empty: 'as fast as it goes' },
  {
    kind: 'number',
    name: 'reorderPercent',
    label: 'Overtaken',
    explain: 'Percent of the frames.',
    empty: '0',
  },
  { kind: 'number', name: 'duplicatePercent', label: 'Twice', explain: 'Percent of the frames.', empty: '0' },
]
