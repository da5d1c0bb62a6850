import { VivariumError } from '../base/index.ts'
import type { EngineFacts, RunSpec } from './engine.ts'

const SHOWN = { v86: 'v86', qemu: 'QEMU' } as const

/**
 * Holds a machine against the limits of an engine. `next` is what to do about one that is too large. Pure.
 * @throws VivariumError kind `unsupported`, code `v86-limit` or `qemu-limit`, with the value and the limit.
 */
export function checkLimits(spec: RunSpec, { name, limits }: EngineFacts, next: string): void {
  const rows = [
    ['memoryMB', 'MB of memory', spec.memoryMB, 1, limits.memoryMB],
    ['drives', 'drives', spec.drives.length, 0, limits.drives],
    ['adapters', 'network adapters', spec.adapters.length, 0, limits.adapters],
    ['floppies', 'floppy drives', spec.floppies.length, 0, 2],
    ['serialPorts', 'serial ports', spec.serialPorts, 0, 2],
  ] as const
  for (const [field, what, value, least, most] of rows) {
    if (Number.isInteger(value) && value >= least && value <= most) continue
    throw new VivariumError(
      'unsupported',
      `${name}-limit`,
      `The machine has ${value} ${what}; ${SHOWN[name]} takes ${least} to ${most}.`,
      { where: { field }, next },
    )
  }
}
