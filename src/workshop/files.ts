import { basename, dirname, join, resolve } from 'node:path'
import { realPath, realPathOrSelf, requireInside } from '../system/disk-files.ts'
import { requireAbsent } from '../system/index.ts'
import type { OperationControl } from './operation.ts'

/** The file that an operation is about: real, and within the roots. @throws VivariumError. */
export function requireFile(path: string, { roots }: Pick<OperationControl, 'roots'>): string {
  return requireInside(realPath(path), roots.map(realPathOrSelf))
}

/**
 * The place of a file that an operation will make: its folder real and within the roots, its name free.
 * @throws VivariumError kind `conflict`, code `host-eexist`; `not-found` (no such folder), `denied`.
 */
export function requireTarget(
  path: string,
  { roots }: Pick<OperationControl, 'roots'>,
): { readonly folder: string; readonly target: string } {
  const folder = requireInside(realPath(dirname(resolve(path))), roots.map(realPathOrSelf))
  const target = join(folder, basename(path))
  requireAbsent(target)
  return { folder, target }
}

export function fileTitle(path: string): string {
  return basename(path)
}
