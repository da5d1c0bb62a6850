import { dhcpDefaults } from '../../../../../api/index.ts'
import { type Draft, valueAt } from '../draft.ts'
import type { Field, Section } from '../fields.ts'
import { OPTION_TYPES } from '../option-value.ts'

/** Virtual Server's DHCP page with its rules, and below it what that page lacked. */

function defaults(draft: Draft) {
  const [network, mask, lease] = ['network', 'mask', 'leaseSeconds'].map((name) =>
    valueAt(draft, `dhcp.${name}`),
  )
  return dhcpDefaults({
    ...(typeof network === 'string' && { network }),
    ...(typeof mask === 'string' && { mask }),
    ...(typeof lease === 'number' && { leaseSeconds: lease }),
  })
}

const PAGE: readonly Field[] = [
  {
    kind: 'text',
    name: 'network',
    label: 'Network address',
    explain: 'The first address of a class A, B or C network.',
    empty: '10.244.0.0',
  },
  {
    kind: 'text',
    name: 'mask',
    label: 'Network mask',
    explain: 'Not wider than the class of the network, and with room after the 15 reserved addresses.',
    empty: '255.255.255.0',
  },
  {
    kind: 'text',
    name: 'start',
    label: 'Starting IP address',
    explain: 'The 16th address of the network or a later one; the first 15 are reserved.',
    empty: (draft) => defaults(draft)?.start,
  },
  {
    kind: 'text',
    name: 'end',
    label: 'Ending IP address',
    explain: 'From the starting address to the last one for hosts.',
    empty: (draft) => defaults(draft)?.end,
  },
  {
    kind: 'text',
    name: 'server',
    label: 'Virtual DHCP server address',
    explain: 'From the first address to the one before the starting address.',
    empty: (draft) => defaults(draft)?.server,
  },
  {
    kind: 'text',
    name: 'gateway',
    label: 'Default gateway address',
    explain: 'Empty: the machines know no way out, or with NAT that of the network.',
    empty: 'none',
  },
  {
    kind: 'list',
    name: 'dns',
    label: 'DNS servers',
    explain: "Addresses, with commas between them. Empty: this network's own, if it is on.",
    empty: 'none of others',
  },
  {
    kind: 'list',
    name: 'wins',
    label: 'WINS servers',
    explain: 'Addresses, with commas between them.',
    empty: 'none',
  },
  {
    kind: 'number',
    name: 'leaseSeconds',
    label: 'IP address lease time',
    explain: 'Seconds, at least 60. More than the rebinding time.',
    empty: '86400 (a day)',
  },
  {
    kind: 'number',
    name: 'renewalSeconds',
    label: 'Lease renewal time',
    explain: 'Seconds, at least 30. From then on the machine asks for more time.',
    empty: (draft) => defaults(draft)?.renewalSeconds.toString(),
  },
  {
    kind: 'number',
    name: 'rebindingSeconds',
    label: 'Lease rebinding time',
    explain: 'Seconds, more than the renewal time and less than the lease. Then it asks any server.',
    empty: (draft) => defaults(draft)?.rebindingSeconds.toString(),
  },
  {
    kind: 'text',
    name: 'domain',
    label: 'Domain name',
    explain: 'What the machines add to short names (option 15).',
    empty: 'none',
  },
]

const OPTIONS: Field = {
  kind: 'rows',
  name: 'options',
  label: 'Options',
  explain: 'Any option of DHCP by its number.',
  one: 'option',
  blank: { type: 'text' },
  fields: [
    { kind: 'number', name: 'code', label: 'Number', explain: '1 to 254, such as 42.' },
    { kind: 'choice', name: 'type', label: 'Type', byDefault: 'text', choices: OPTION_TYPES },
    { kind: 'optionValue', name: 'value', label: 'Value' },
    { kind: 'switch', name: 'always', label: 'Sent to those too who do not ask for it', byDefault: false },
  ],
}

const BOOT: readonly Field[] = [
  {
    kind: 'text',
    name: 'boot.file',
    label: 'Boot file',
    explain: 'What is loaded from the boot server (option 67).',
    empty: 'none',
  },
  {
    kind: 'text',
    name: 'boot.nextServer',
    label: 'Boot server',
    explain: 'Its address. Empty: this network, if it boots machines.',
    empty: "this network's own",
  },
  {
    kind: 'text',
    name: 'boot.serverName',
    label: "Boot server's name",
    explain: 'Up to 63 characters, without blanks (option 66).',
    empty: 'none',
  },
]

const RESERVATIONS: Field = {
  kind: 'rows',
  name: 'reservations',
  label: 'Reservations',
  explain: 'A machine that always gets the same address.',
  one: 'reservation',
  blank: {},
  fields: [
    { kind: 'text', name: 'address', label: 'Address' },
    { kind: 'text', name: 'mac', label: 'MAC address', explain: 'Or else the client id:' },
    { kind: 'text', name: 'clientId', label: 'Client id', explain: 'Option 61, hexadecimal.' },
    {
      kind: 'text',
      name: 'hostName',
      label: 'Host name',
      explain: 'Told to the machine, to DNS and to WINS.',
      empty: 'what it says of itself',
    },
  ],
  more: [
    ...BOOT,
    { ...OPTIONS, explain: 'Only for this machine. They come before those of its class and of the network.' },
  ],
}

const CLASSES: Field = {
  kind: 'rows',
  name: 'classes',
  label: 'Classes of machines',
  explain:
    'Machines that say of themselves what they are get options of their own. All that is named has to fit.',
  one: 'class',
  blank: {},
  fields: [
    { kind: 'text', name: 'name', label: 'Name' },
    {
      kind: 'text',
      name: 'vendorClass.prefix',
      label: 'Vendor class begins with',
      explain: 'Option 60, such as MSFT 5.',
    },
    { kind: 'text', name: 'vendorClass.equals', label: 'Or vendor class is' },
    { kind: 'text', name: 'userClass.prefix', label: 'User class begins with', explain: 'Option 77.' },
    { kind: 'text', name: 'userClass.equals', label: 'Or user class is' },
    {
      kind: 'numbers',
      base: 10,
      name: 'architectures',
      label: 'Firmware',
      explain: 'Option 93, any of them: 0 is a BIOS, 6 a 32-bit and 7 a 64-bit UEFI.',
      empty: 'any',
    },
  ],
  more: [
    ...BOOT,
    { ...OPTIONS, explain: 'Only for machines of this class. They come before those of the network.' },
  ],
}

const SUBNETS: Field = {
  kind: 'rows',
  name: 'subnets',
  label: 'Networks behind relays',
  explain: 'A relay passes on what machines of another network ask. They get addresses of that network.',
  one: 'subnet',
  blank: {},
  fields: [
    { kind: 'text', name: 'network', label: 'Network address' },
    { kind: 'text', name: 'mask', label: 'Network mask' },
    { kind: 'text', name: 'start', label: 'Starting IP address', empty: 'the 16th' },
    { kind: 'text', name: 'end', label: 'Ending IP address', empty: 'the last' },
    { kind: 'text', name: 'gateway', label: 'Default gateway', empty: 'none' },
  ],
  more: [{ ...OPTIONS, explain: 'Only for machines of that network. They come before those of this one.' }],
}

const MORE: readonly Field[] = [
  { kind: 'list', name: 'search', label: 'Domain search list', explain: 'Option 119.', empty: 'none' },
  {
    kind: 'choice',
    name: 'nodeType',
    label: 'NetBIOS node type',
    explain: 'Option 46. Windows needs one with WINS.',
    byDefault: '',
    isNumber: true,
    choices: [
      { value: '', label: 'Automatic' },
      { value: '1', label: 'B: broadcast' },
      { value: '2', label: 'P: WINS' },
      { value: '4', label: 'M: broadcast, then WINS' },
      { value: '8', label: 'H: WINS, then broadcast' },
    ],
  },
  {
    kind: 'choice',
    name: 'otherServers',
    label: 'Another DHCP server here',
    explain: 'What ours does while it hears one.',
    byDefault: 'stand-down',
    choices: [
      { value: 'stand-down', label: 'Be silent' },
      { value: 'answer', label: 'Tell, and go on' },
      { value: 'ignore', label: 'Do not look for any' },
    ],
  },
  ...BOOT,
  {
    kind: 'switch',
    name: 'probe',
    label: 'Ask whether an address is in use before it is offered',
    byDefault: true,
  },
  {
    kind: 'switch',
    name: 'rapidCommit',
    label: 'Two messages instead of four',
    explain: 'To machines that ask for it (RFC 4039), and only where ours is the one DHCP server.',
    byDefault: false,
  },
  OPTIONS,
  CLASSES,
  SUBNETS,
]

export const DHCP_SECTION: Section = {
  key: 'dhcp',
  title: 'DHCP server',
  explain: 'Gives the machines on this network their addresses. It answers nobody else.',
  keepsOff: true,
  blank: {},
  fields: [...PAGE, RESERVATIONS],
  more: MORE,
}
