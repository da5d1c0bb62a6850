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
    {
      kind: 'list',
      name: 'searchList',
      label: 'Domain search list',
      explain: 'Domains that machines look names up in.',
      empty: 'none',
    },
  ],
  more: [
    {
      kind: 'number',
      name: 'validSeconds',
      label: 'An address holds',
      explain: 'Seconds after the last advertisement, at least 60.',
      empty: '2592000 (30 days)',
    },
    {
      kind: 'number',
      name: 'preferredSeconds',
      label: 'An address is preferred',
      explain: 'Seconds in which new connections use it. Not more than it holds.',
      empty: '604800 (a week)',
    },
    {
      kind: 'number',
      name: 'intervalSeconds',
      label: 'Advertised every',
      explain: 'Seconds, 4 to 1800. Less than an address is preferred.',
      empty: '600',
    },
    {
      kind: 'switch',
      name: 'router',
      label: "Machines take the network's host for their default router",
      explain: 'For tests of theirs: nothing routes IPv6, and what they send elsewhere gets no answer.',
      byDefault: false,
    },
  ],
}
