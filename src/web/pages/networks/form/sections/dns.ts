import type { Section } from '../fields.ts'

const TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SRV', 'TXT']

export const DNS_SECTION: Section = {
  key: 'dns',
  title: 'DNS server',
  explain:
    "Knows the machines of this network by their names, and asks others for the rest. It needs DHCP, or an address of the network's own.",
  keepsOff: true,
  blank: {},
  fields: [
    {
      kind: 'text',
      name: 'domain',
      label: 'Domain',
      explain: "Whose names are the machines'. Empty: the one of DHCP.",
      empty: (draft) => (draft.dhcp as { domain?: string } | undefined)?.domain ?? 'KEY.internal',
    },
    {
      kind: 'list',
      name: 'forwarders',
      label: 'Forwarders',
      explain: 'Who is asked for names of other places: addresses, or "host" for those of this computer.',
      empty: (draft) =>
        (draft.uplink as { kind?: string } | undefined)?.kind === 'nat'
          ? 'host'
          : 'none: nothing outside is known',
    },
    {
      kind: 'choice',
      name: 'updates',
      label: 'Names that machines register',
      explain: 'Dynamic update (RFC 2136).',
      byDefault: 'own',
      choices: [
        { value: 'none', label: 'None' },
        { value: 'own', label: 'Their own' },
        { value: 'all', label: 'Any, as domain controllers do' },
      ],
    },
    {
      kind: 'rows',
      name: 'records',
      label: 'Records',
      one: 'record',
      blank: { type: 'A' },
      fields: [
        { kind: 'text', name: 'name', label: 'Name', explain: '"@" is the domain itself.' },
        {
          kind: 'choice',
          name: 'type',
          label: 'Type',
          byDefault: 'A',
          choices: TYPES.map((value) => ({ value, label: value })),
        },
        {
          kind: 'text',
          name: 'value',
          label: 'Value',
          explain: 'As in a zone file: 10.244.0.9, or 10 mail.',
        },
        { kind: 'number', name: 'ttlSeconds', label: 'Valid for', explain: 'Seconds.', empty: '3600' },
      ],
    },
  ],
}
