import { VivariumError } from '../base/index.ts'
import type { EngineFacts, EngineName, RunSpec } from './engine.ts'

export type EngineChoice = { readonly engine: EngineName; readonly reason: string }

/**
 * Up to here a guest is DOS, Windows 3.1 or a program without a system, made for processors far slower than v86,
 * and stays inside WebAssembly, with no native emulator for it to break out of. Measured with Hello, v86 against
 * QEMU's TCG: 1.3 and 0.6 s of processor time to its prompt, then 1.9 and 0.9 % of a core. Above, QEMU pays: a
 * Linux boots in half of v86's time and idles at 2 % of a core instead of 24 %.
 */
const SMALL_MACHINE_MB = 32

/**
 * Which engine runs this machine, and why, as one sentence for people. Pure.
 * @throws VivariumError kind `unavailable` where the wished engine, or every engine that could, is missing here.
 */
export function chooseEngine(
  spec: RunSpec,
  facts: readonly EngineFacts[],
  wish: 'auto' | EngineName,
): EngineChoice {
  return wish === 'auto' ? chooseFreely(spec, facts) : obeyWish(spec, facts, wish)
}

function obeyWish(spec: RunSpec, facts: readonly EngineFacts[], wish: EngineName): EngineChoice {
  const wished = facts.find(({ name }) => name === wish)
  if (wished?.available !== true) {
    throw new VivariumError(
      'unavailable',
      'engine-unavailable',
      `This machine is set to run on ${LABELS[wish]}: ${wished?.reason ?? 'there is no such engine here.'}`,
      { where: { field: 'engine' }, next: 'Install it, or set the engine to "auto".' },
    )
  }
  return { engine: wish, reason: `${describe(spec, wished)}, as chosen for this machine.` }
}

function chooseFreely(spec: RunSpec, facts: readonly EngineFacts[]): EngineChoice {
  const qemu = facts.find(({ name }) => name === 'qemu')
  const v86 = facts.find(({ name }) => name === 'v86')
  const need = v86?.available === true ? beyond(spec, v86) : 'v86 is not available'
  if (qemu?.available === true) {
    if (need !== undefined) return { engine: 'qemu', reason: `${describe(spec, qemu)}, because ${need}.` }
    if (spec.memoryMB > SMALL_MACHINE_MB) {
      return { engine: 'qemu', reason: `${describe(spec, qemu)}, the faster engine for this machine.` }
    }
    const size = `with ${spec.memoryMB} MB of memory it is too small a machine to gain from QEMU`
    return { engine: 'v86', reason: `v86, because ${size}.` }
  }
  if (need === undefined) return { engine: 'v86', reason: `v86, because ${withoutQemu(qemu)}` }
  throw new VivariumError(
    'unavailable',
    'engine-needs-qemu',
    `This machine needs QEMU, because ${need}; ${withoutQemu(qemu)}`,
    { next: v86?.available === true ? 'Install QEMU, or change the machine.' : 'Install QEMU.' },
  )
}

/** What of this machine v86 cannot give; undefined where it gives everything. */
function beyond(spec: RunSpec, v86: EngineFacts): string | undefined {
  const { memoryMB, drives, adapters } = v86.limits
  if (spec.memoryMB > memoryMB)
    return `it has ${spec.memoryMB} MB of memory and v86 gives ${memoryMB} at most`
  if (spec.drives.length > drives) return `it has ${spec.drives.length} drives and v86 has ${drives} at most`
  if (spec.adapters.length > adapters) {
    return `it has ${spec.adapters.length} network adapters and v86 has ${adapters} at most`
  }
  if (spec.accelerator !== 'auto') return `${spec.accelerator.toUpperCase()} was chosen for it`
  const model = spec.adapters
    .map((adapter) => adapter.model)
    .find((name) => name !== 'auto' && !v86.adapterModels.includes(name))
  return model === undefined ? undefined : `it has a network adapter ${model}, which v86 has not`
}

const LABELS = { qemu: 'QEMU', v86: 'v86' } as const satisfies Record<EngineName, string>

/** "QEMU 7.2.22 with KVM". */
function describe(spec: RunSpec, facts: EngineFacts): string {
  const head = [LABELS[facts.name], facts.version].filter((part) => part !== undefined).join(' ')
  if (facts.name !== 'qemu') return head
  const kvm = facts.accelerators.some(({ name, usable }) => name === 'kvm' && usable)
  return `${head} ${kvm && spec.accelerator !== 'tcg' ? 'with' : 'without'} KVM`
}

/** A clause that ends its sentence. */
function withoutQemu(qemu: EngineFacts | undefined): string {
  const reason = qemu?.reason ?? 'QEMU is not here.'
  return reason.startsWith('QEMU') ? reason : `QEMU cannot be used: ${reason}`
}
