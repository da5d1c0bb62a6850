import type { Field, Section } from '../fields.ts'

function firmware(name: string, label: string): Field {
  return {
    kind: 'text',
    name: `files.${name}`,
    label: `First file: ${label}`,
    empty: 'chosen by what is there',
  }
}

export const PXE_SECTION: Section = {
  key: 'pxe',
  title: 'Boot from the network (PXE)',
  explain:
    'Machines without a system load one from a folder of this computer, by TFTP or HTTP. Without DHCP here it works beside another DHCP server.',
  keepsOff: false,
  blank: {},
  fields: [
    {
      kind: 'folder',
      name: 'folder',
      label: 'Boot folder',
      explain: 'Every machine on the network may read everything in it.',
      wide: true,
    },
    {
      kind: 'text',
      name: 'default',
      label: 'Default entry',
      explain: 'Title of the entry that is taken after the time.',
      empty: 'the first',
    },
    {
      kind: 'number',
      name: 'timeoutSeconds',
      label: 'Time to choose',
      explain: 'Seconds; 0 takes the default entry without a menu.',
      empty: '10',
    },
    {
      kind: 'rows',
      name: 'entries',
      label: 'Menu',
      one: 'entry',
      blank: {},
      fields: [
        { kind: 'text', name: 'title', label: 'Title' },
        {
          kind: 'text',
          name: 'kernel',
          label: 'Kernel',
          explain: 'Below the folder, or a URL. Or else a boot file:',
        },
        {
          kind: 'text',
          name: 'file',
          label: 'Boot file',
          explain: 'A boot program, an iPXE script, an .iso or .img.',
        },
        { kind: 'list', name: 'initrd', label: 'Initial RAM disks', explain: 'With a kernel.' },
        { kind: 'text', name: 'arguments', label: 'Kernel arguments', explain: 'With a kernel.', wide: true },
      ],
    },
  ],
  more: [
    firmware('bios', 'BIOS'),
    firmware('efi-x64', 'UEFI, 64-bit'),
    firmware('efi-ia32', 'UEFI, 32-bit'),
    firmware('efi-arm64', 'UEFI, ARM'),
  ],
}
