import type { Field } from '../fields.ts'

/** Of the network itself, whatever services it has. */
export const OWN_FIELDS: readonly Field[] = [
  {
    kind: 'text',
    name: 'address',
    label: "The network's own address",
    explain: 'For its services where there is no DHCP here, with its prefix.',
    empty: "DHCP's, or none",
  },
  {
    kind: 'number',
    name: 'mtu',
    label: 'MTU',
    explain: 'Bytes, 576 to 65535. Longer packets are dropped and counted.',
    empty: 'as long as a frame may be',
  },
]
