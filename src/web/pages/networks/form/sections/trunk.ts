import type { Section } from '../fields.ts'

export const TRUNK_SECTION: Section = {
  key: 'trunk',
  title: 'Trunk to other hosts',
  explain: 'Machines of several Vivarium hosts on one network, by TLS.',
  keepsOff: false,
  blank: { connect: [] },
  fields: [
    {
      kind: 'number',
      name: 'listen.port',
      label: 'Listen at port',
      explain: 'Here others join. Empty: this side only connects.',
      empty: 'nowhere',
    },
    {
      kind: 'text',
      name: 'listen.address',
      label: 'Listen at address',
      explain: 'With a port.',
      empty: '0.0.0.0',
    },
    {
      kind: 'rows',
      name: 'connect',
      label: 'Hosts to join',
      one: 'host',
      blank: {},
      fields: [
        { kind: 'text', name: 'host', label: 'Host' },
        { kind: 'number', name: 'port', label: 'Port' },
      ],
    },
    {
      kind: 'file',
      name: 'sharedKeys',
      label: 'Shared keys',
      explain: 'A file of name:key lines, the same on both sides. Or else the three files of a certificate:',
      wide: true,
    },
    { kind: 'file', name: 'certificate', label: 'Certificate (PEM)', wide: true },
    { kind: 'file', name: 'key', label: 'Its private key (PEM)', wide: true },
    {
      kind: 'file',
      name: 'authority',
      label: 'Authority (PEM)',
      explain: 'The other side shows a certificate of it, or is turned away.',
      wide: true,
    },
  ],
  more: [
    {
      kind: 'text',
      name: 'identity',
      label: 'Identity',
      explain: 'Which of the shared keys this side says it has.',
      empty: 'the first',
    },
    {
      kind: 'switch',
      name: 'hub',
      label: 'Frames from one trunk go out on the others',
      explain: 'For one host in the middle of several; two such hosts would make a loop.',
      byDefault: false,
    },
  ],
}
