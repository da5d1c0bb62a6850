import type { Task } from '../../../api/index.ts'
import { formatSize } from '../../../base/index.ts'

export interface TaskDisk {
  readonly path: string
  /** "16 GiB", or "4 GiB, before 9 GiB". */
  readonly sizes?: string
}

/** What a task's row says of its disk: that which came of it, or that which it works on. */
export function diskOf({ state, diskPath, result = {} }: Task): TaskDisk | undefined {
  const made = state === 'done' && typeof result.path === 'string' ? result.path : undefined
  const path = made ?? diskPath
  if (path === undefined) return undefined
  const { before, after, virtualSize } = result
  if (typeof before === 'number' && typeof after === 'number')
    return { path, sizes: `${formatSize(after)}, before ${formatSize(before)}` }
  return { path, ...(typeof virtualSize === 'number' && { sizes: formatSize(virtualSize) }) }
}
