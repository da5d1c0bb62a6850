import { type Problem, VivariumError } from '../../../base/index.ts'
import type { AdapterModel, EngineFacts, Plan, RunAdapter, RunSpec } from '../../engine.ts'
import { type Decisions, formatArgv } from './argv.ts'
import { checkSpec } from './check-spec.ts'

/** What `auto` means, best first: Virtual PC's card was a DEC 21140, and tulip is its successor 21143. */
const NEAREST_MODELS: readonly AdapterModel[] = ['tulip', 'pcnet', 'rtl8139', 'ne2k']

/**
 * Decides accelerator and adapter models, and writes the command line. Pure.
 * @throws VivariumError kind `unavailable` without QEMU or with KVM wished and broken, `unsupported` for what
 * QEMU cannot do, `invalid` for a machine that contradicts itself.
 */
export function planQemu(spec: RunSpec, facts: EngineFacts): Plan {
  if (!facts.available || facts.program === undefined) {
    throw new VivariumError('unavailable', 'qemu-missing', facts.reason)
  }
  checkSpec(spec, facts)
  const decisions: Decisions = {
    program: facts.program,
    accelerator: chooseAccelerator(spec, facts),
    models: spec.adapters.map((adapter) => chooseModel(adapter, facts)),
  }
  return {
    engine: 'qemu',
    accelerator: decisions.accelerator,
    spec,
    argv: formatArgv(spec, decisions),
    notes: notesOf(spec, decisions),
  }
}

function chooseAccelerator(spec: RunSpec, facts: EngineFacts): Decisions['accelerator'] {
  const kvm = facts.accelerators.find((accelerator) => accelerator.name === 'kvm')
  if (spec.accelerator === 'tcg' || (spec.accelerator === 'auto' && kvm?.usable !== true)) return 'tcg'
  if (kvm?.usable === true) return 'kvm'
  throw new VivariumError('unavailable', 'kvm-unusable', kvm?.reason ?? 'This QEMU knows no KVM.', {
    where: { field: 'accelerator' },
    next: 'Choose the accelerator "auto" or "tcg".',
  })
}

function chooseModel(adapter: RunAdapter, facts: EngineFacts): AdapterModel {
  const wished = adapter.model === 'auto' ? NEAREST_MODELS : [adapter.model]
  const model = wished.find((name) => facts.adapterModels.includes(name))
  if (model !== undefined) return model
  throw new VivariumError(
    'unsupported',
    'qemu-no-adapter-model',
    `This QEMU has no network adapter ${wished.join(', ')}.`,
    {
      where: { field: `adapters[${adapter.index}].model` },
      next: `Choose one of ${facts.adapterModels.join(', ')}.`,
    },
  )
}

/** What was in a Virtual PC and is not here, so that nobody looks for it in vain. */
function notesOf(spec: RunSpec, decisions: Decisions): Problem[] {
  const notes = [
    note(
      'qemu-video',
      'The video card is a Cirrus Logic GD5446 instead of the S3 Trio64.',
      'Windows 95 to 2003 bring its driver; others use VESA modes.',
    ),
  ]
  if (spec.drives.some((drive) => drive.kind === 'disk')) {
    notes.push(
      note(
        'qemu-ide',
        'The IDE controller is a PIIX3 (PCI 8086:7010) instead of the PIIX4 (8086:7111).',
        'If Windows stops with 0x0000007B, give it the standard IDE driver before it moves.',
      ),
    )
  }
  const models = [...new Set(decisions.models)]
  if (models.length > 0) {
    notes.push(
      note(
        'qemu-network-adapter',
        `The network adapter is ${models.map((model) => ADAPTER_NAMES[model]).join(' and ')} instead of the DEC 21140.`,
        'Windows finds a new adapter; a fixed IP address stays with the old one and has to be set again.',
      ),
    )
  }
  if (spec.sound) {
    notes.push(
      note(
        'qemu-sound',
        'The Sound Blaster 16 is there but not Plug and Play, and what it plays is not heard.',
        'If the guest does not find it: port 220h, IRQ 5, DMA 1 and 5.',
      ),
    )
  }
  return notes
}

const ADAPTER_NAMES = {
  tulip: 'a DEC 21143',
  ne2k: 'an NE2000 (PCI)',
  pcnet: 'an AMD PCnet',
  rtl8139: 'a Realtek 8139',
  e1000: 'an Intel 82540EM',
  virtio: 'a virtio adapter',
} as const satisfies Record<AdapterModel, string>

function note(code: string, message: string, next: string): Problem {
  return { code, severity: 'note', message, next }
}
