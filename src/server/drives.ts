import { realpathSync } from 'node:fs'
import { type Problem, problemFrom, VivariumError } from '../base/index.ts'
import { SECTOR } from '../disk/index.ts'
import { openDiskLayers, resolveChain } from '../system/index.ts'

export interface DriveLayers {
  /** Topmost first. */
  readonly layers: string[]
  readonly sizeBytes?: number
  /** Bytes of a sector as the guest counts, where it is not the usual 512. */
  readonly sectorSize?: number
  readonly problems: Problem[]
  /** Why the disk cannot be used. */
  readonly refusal?: VivariumError
}

/**
 * The whole chain of one drive, from its candidates topmost first: our undo disk, the machine's own undo disk,
 * the disk. Each existing candidate is a child of the next, so the first one's chain is the drive's.
 */
export function resolveDriveLayers(
  candidates: readonly (string | undefined)[],
  roots: readonly string[],
): DriveLayers {
  const top = candidates.find((path) => path !== undefined)!
  try {
    const chain = resolveChain(top, { roots })
    const broken = chain.problems.find((problem) => problem.severity === 'error')
    if (broken !== undefined) {
      return {
        layers: chain.layers.map(({ path }) => path),
        problems: chain.problems,
        refusal: refusalOf(broken, top),
      }
    }
    const layers = chain.layers.map(({ path }) => path)
    const strange = candidates.find((path) => path !== undefined && !layers.includes(realpathSync(path)))
    if (strange !== undefined) return { layers, problems: [], refusal: notItsUndo(top, strange) }
    const disk = openDiskLayers({ layers, writable: false })
    const { sizeBytes } = disk
    disk.close()
    const sectorSize = chain.layers
      .map(({ facts }) => facts.sectorSize)
      .find((size) => size !== undefined && size !== SECTOR)
    return {
      layers,
      sizeBytes,
      problems: chain.problems,
      ...(sectorSize !== undefined && { sectorSize }),
    }
  } catch (error) {
    const problem = problemFrom(error)
    return { layers: [top], problems: [problem], refusal: error as VivariumError }
  }
}

/** An undo disk named for one disk and made on another would show the guest the wrong disk. */
function notItsUndo(undo: string, disk: string): VivariumError {
  return new VivariumError('conflict', 'undo-not-of-this-disk', `The undo disk was not made on ${disk}.`, {
    where: { path: undo },
    next: 'Take the undo disk out of the machine file, or put the right one there.',
  })
}

function refusalOf(problem: Problem, path: string): VivariumError {
  return new VivariumError('conflict', problem.code, problem.message, {
    where: problem.where ?? { path },
    next: problem.next,
  })
}
