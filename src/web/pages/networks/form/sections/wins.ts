import type { Section } from '../fields.ts'

export const WINS_SECTION: Section = {
  key: 'wins',
  title: 'WINS server',
  explain: 'NetBIOS names for Windows before it used DNS. DHCP tells the machines of it.',
  keepsOff: true,
  blank: {},
  fields: [
    {
      kind: 'number',
      name: 'ttlSeconds',
      label: 'A registration holds',
      explain: 'Seconds, at least 300, without being renewed.',
      empty: '518400 (six days)',
    },
    {
      kind: 'rows',
      name: 'names',
      label: 'Names',
      explain: 'Of machines that do not register by themselves.',
      one: 'name',
      blank: {},
      fields: [
        { kind: 'text', name: 'name', label: 'NetBIOS name', explain: 'Up to 15 characters.' },
        { kind: 'text', name: 'address', label: 'Address' },
        {
          kind: 'numbers',
          base: 16,
          name: 'suffixes',
          label: 'Suffixes',
          explain:
            'What is called so, hexadecimal: 00 a computer, 20 its shared folders, 1B and 1C controllers of a domain.',
          empty: '00, 20',
        },
      ],
    },
  ],
}
