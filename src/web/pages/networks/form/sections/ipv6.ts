import type { Section } from '../fields.ts'

export const IPV6_SECTION: Section = {
  key: 'ipv6',
  title: 'IPv6',
  explain:
    "Machines make themselves addresses of a prefix that is advertised to them. It needs DHCP, or an address of the network's own.",
  keepsOff: true,
  blank: {},
  fields: [
    {
      kind: 'text',
      name: 'prefix',
      label: 'Prefix',
      explain: 'Such as fd12:3456:789a::/64.',
      empty: "the network's own",
    },
    {
      kind: 'list',
      name: 'dns',
      label: 'DNS servers',
      explain: 'IPv6 addresses that machines are told.',
      empty: 'none',
    },
    { kind: 'list', name: 'searchList', label: 'Domain search list', empty: 'none' },
  ],
}
