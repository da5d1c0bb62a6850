import { fromHex, type Problem, VivariumError } from '../../../base/index.ts'
import type { EngineFacts, Plan, RunSpec } from '../../engine.ts'
import { checkLimits } from '../../limits.ts'
import { isVirtio } from './adapters.ts'

/**
 * Says what this machine becomes under v86. Pure.
 * @throws VivariumError kind `unavailable` without v86, `unsupported` for what it cannot do, `invalid` for a machine
 * that contradicts itself.
 */
export function planV86(spec: RunSpec, facts: EngineFacts): Plan {
  if (!facts.available) throw new VivariumError('unavailable', 'v86-missing', facts.reason)
  if (spec.accelerator === 'kvm') {
    throw new VivariumError('unsupported', 'v86-no-kvm', 'v86 cannot use KVM.', {
      where: { field: 'accelerator' },
      next: 'Choose the engine "qemu", or the accelerator "auto".',
    })
  }
  checkLimits(spec, facts, 'Choose the engine "qemu", or change the machine.')
  checkPlaces(spec)
  return { engine: 'v86', accelerator: 'wasm', spec, argv: [], notes: notesOf(spec) }
}

function checkPlaces(spec: RunSpec): void {
  const places = [
    ...spec.drives.map(({ channel, unit }) => ['drives', `the IDE drive ${channel}:${unit}`] as const),
    ...spec.floppies.map(({ index }) => ['floppies', `the floppy drive ${index}`] as const),
    ...spec.adapters.map(({ index }) => ['adapters', `the network adapter ${index}`] as const),
  ]
  const names = places.map(([, name]) => name)
  const twice = places.find(([, name], at) => names.indexOf(name) !== at)
  if (twice) throw invalid(twice[0], `The machine has ${twice[1]} twice.`)
  for (const { channel, unit, kind, disk } of spec.drives) {
    if (kind === 'disk' && !disk?.layers.length)
      throw invalid('drives', `The IDE drive ${channel}:${unit} has no disk.`)
  }
  for (const { index, mac } of spec.adapters) {
    if (fromHex(mac.replaceAll(/[:-]/g, ''))?.length !== 6)
      throw invalid(`adapters[${index}].mac`, `"${mac}" is not a MAC address.`)
  }
}

function invalid(field: string, message: string): VivariumError {
  return new VivariumError('invalid', 'machine-contradiction', message, { where: { field } })
}

/** What was in a Virtual PC and is not here. */
function notesOf(spec: RunSpec): Problem[] {
  const notes = [
    note(
      'v86-acpi',
      'There is no ACPI.',
      'Windows 2000, XP and 2003 that were set up with ACPI do not start here; QEMU has it.',
    ),
    note(
      'v86-processor',
      'The processor is a 32-bit one of the Pentium III class, without 64-bit mode and without NX.',
      'For a faster or a 64-bit guest choose QEMU.',
    ),
    note(
      'v86-video',
      'The video card is a plain VGA with VESA modes instead of the S3 Trio64.',
      'Give the guest a VESA or VGA driver.',
    ),
  ]
  if (spec.drives.some(({ kind }) => kind === 'disk')) {
    notes.push(
      note(
        'v86-ide',
        'The IDE controller is a PIIX3 (PCI 8086:7010) instead of the PIIX4 (8086:7111).',
        'If Windows stops with 0x0000007B, give it the standard IDE driver before it moves.',
      ),
    )
  }
  if (spec.adapters.length > 0) notes.push(adapterNote(spec))
  if (spec.sound) {
    notes.push(
      note(
        'v86-sound',
        'The Sound Blaster 16 is there but not Plug and Play, and what it plays is not heard.',
        'If the guest does not find it: port 220h, IRQ 5, DMA 1 and 5.',
      ),
    )
  }
  return notes
}

function adapterNote({ adapters }: RunSpec): Problem {
  if (isVirtio(adapters))
    return note(
      'v86-network-adapter',
      'The network adapter is a virtio adapter.',
      'Old guests have no driver for it; choose "ne2k" for them.',
    )
  const wished = new Set(
    adapters.map(({ model }) => model).filter((model) => model !== 'auto' && model !== 'ne2k'),
  )
  const asked = wished.size === 0 ? 'the DEC 21140' : [...wished].join(' and ')
  return note(
    'v86-network-adapter',
    `Each network adapter is an NE2000 (PCI) instead of ${asked}.`,
    'Windows finds a new adapter; a fixed IP address stays with the old one and has to be set again.',
  )
}

function note(code: string, message: string, next: string): Problem {
  return { code, severity: 'note', message, next }
}
