import type { Field, Section } from '../fields.ts'

function firmware(name: string, label: string): Field {
  return {
    kind: 'text',
    name: `files.${name}`,
    label: `First file: ${label}`,
    explain: 'What such a machine loads before anything else, below the folder.',
    empty: 'chosen by what is there',
  }
}

/** The menu of the boot ROM itself, without iPXE. */
const ROM_MENU: readonly Field[] = [
  {
    kind: 'text',
    name: 'romMenu.prompt',
    label: 'Prompt of the boot ROM',
    explain: 'Shown by machines that boot without iPXE, before the menu of their ROM.',
    empty: 'Press F8 for the boot menu',
  },
  {
    kind: 'number',
    name: 'romMenu.timeoutSeconds',
    label: 'Time of the boot ROM',
    explain: 'Seconds until the first item is taken; 0 is at once, 255 waits for a choice.',
    empty: '10',
  },
  {
    kind: 'rows',
    name: 'romMenu.items',
    label: 'Menu of the boot ROM',
    explain: 'Up to 16 items. Without any, the ROM shows no menu and loads its first file.',
    one: 'item',
    blank: {},
    fields: [
      { kind: 'text', name: 'title', label: 'Title', explain: 'As the ROM shows it.' },
      {
        kind: 'text',
        name: 'file',
        label: 'File',
        explain: 'Below the boot folder of its server. Empty: the local disk.',
        empty: 'boot from the local disk',
      },
      {
        kind: 'text',
        name: 'server',
        label: 'Boot server',
        explain: 'Its address.',
        empty: "this network's own",
      },
    ],
  },
]

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
      explain: 'Shown by iPXE, which the machine has or loads first.',
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
    ...ROM_MENU,
    firmware('bios', 'BIOS'),
    firmware('efi-x64', 'UEFI, 64-bit'),
    firmware('efi-ia32', 'UEFI, 32-bit'),
    firmware('efi-arm64', 'UEFI, ARM'),
  ],
}
