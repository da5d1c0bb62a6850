import { VivariumError } from '../base/index.ts'
import { childrenOf, type ResolvedLayer } from '../system/index.ts'

export interface LostOptions {
  /** The topmost file goes too, and with it what lies on it. */
  readonly deleteChild: boolean
  /** Folders to look through, besides each disk's own. */
  readonly folders: readonly string[]
}

/**
 * Disks that lie on one of the files of a merge without being a part of it: they rely on content that will change.
 * @param layers Topmost first, the written one last.
 */
export function childrenLost(
  layers: readonly ResolvedLayer[],
  { deleteChild, folders }: LostOptions,
): string[] {
  return layers.flatMap(({ path, facts }, index) => {
    // On the topmost others may lie: it shows what it showed, as long as it is there.
    if (index === 0 && !deleteChild) return []
    return childrenOf(path, facts, folders).filter((other) => other !== layers[index - 1]?.path)
  })
}

/** @throws VivariumError kind `conflict`, code `merge-loses-children`, with their names. */
export function demandNoneLost(layers: readonly ResolvedLayer[], options: LostOptions): void {
  const lost = childrenLost(layers, options)
  if (lost.length > 0) throw othersLost(layers.at(-1)!.path, lost)
}

export function othersLost(target: string, lost: readonly string[]): VivariumError {
  return new VivariumError(
    'conflict',
    'merge-loses-children',
    `Other disks rely on what would change: ${lost.join(', ')}.`,
    {
      where: { path: target },
      next: 'Merge into a new disk instead (disk merge --out), or merge or move those away first.',
    },
  )
}
