import { VivariumError } from '../base/index.ts'
import type { Plan } from '../engine/index.ts'
import type { PreparedSpec } from './run-spec.ts'

/** Disk files by what a run, or a commit, does with them. */
export interface DiskUse {
  readonly written: readonly string[]
  readonly read: readonly string[]
}

/** As much of another machine as decides who may use which disk. */
export interface DiskNeighbour {
  readonly id: string
  readonly name: string
  readonly plan: Plan | undefined
  /** `bases`: files that its disks lie on. */
  readonly nextRun: { bases(): string[] }
}

/** The top of each chain is written, unless a fresh undo disk will cover it; what lies below is read. */
export function diskUseOf(
  prepared: PreparedSpec,
  coveredBy: { fresh: boolean; undoPaths: ReadonlySet<string> },
): DiskUse {
  const written: string[] = []
  const read: string[] = []
  for (const { kind, layers } of prepared.drives) {
    if (kind !== 'disk' || layers.length === 0) continue
    const [top, ...below] = layers as [string, ...string[]]
    if (coveredBy.fresh && !coveredBy.undoPaths.has(top)) read.push(top)
    else written.push(top)
    read.push(...below)
  }
  return { written, read }
}

/**
 * @throws VivariumError kind `busy` when a running machine writes one of the files, or uses one that would be
 * written; kind `conflict` when a disk of another machine lies on one that would be written: it would change below it.
 */
export function demandFree(id: string, use: DiskUse, neighbours: Iterable<DiskNeighbour>): void {
  for (const other of neighbours) {
    if (other.id === id) continue
    const running = diskUseOfPlan(other.plan)
    const clash =
      [...use.written, ...use.read].find((file) => running.written.includes(file)) ??
      use.written.find((file) => running.read.includes(file))
    if (clash !== undefined) {
      throw new VivariumError(
        'busy',
        'disk-in-use',
        `The disk is in use by "${other.name}", which is running.`,
        {
          where: { path: clash },
          next: `Turn "${other.name}" off first.`,
        },
      )
    }
    const bases = use.written.length === 0 ? [] : other.nextRun.bases()
    const base = use.written.find((file) => bases.includes(file))
    if (base !== undefined) {
      throw new VivariumError('conflict', 'disk-is-a-parent', `A disk of "${other.name}" lies on this one.`, {
        where: { path: base },
        next: `Writing to it would damage "${other.name}": commit or discard its undo disks, or let this machine run on undo disks.`,
      })
    }
  }
}

function diskUseOfPlan(plan: Plan | undefined): DiskUse {
  const chains = plan?.spec.drives.flatMap(({ disk }) => (disk === undefined ? [] : [disk.layers])) ?? []
  return {
    written: chains.flatMap((layers) => layers.slice(0, 1)),
    read: chains.flatMap((layers) => layers.slice(1)),
  }
}
