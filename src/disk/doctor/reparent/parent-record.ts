import { VivariumError } from '../../../base/index.ts'
import type { Surgery } from '../surgery.ts'

/** What a child is to record of its parent. */
export interface ParentRecord {
  /** `ImageFacts.id`; absent where the parent's format has none. */
  readonly id?: string
  readonly stamp: number
  readonly format: string
  readonly sizeBytes: number
  /** From the child's folder, with backslashes: `.\base.vhd`. */
  readonly relativePath: string
  readonly absolutePath: string
}

/** Writes the names, and what else a format records, into the surgery. Nothing is done for what is right already. */
export type RenameParent = (surgery: Surgery, parent: ParentRecord) => void

export function cannotRecord(path: string, message: string): VivariumError {
  return new VivariumError('unsupported', 'reparent-impossible', message, {
    where: { path, field: 'parent' },
    next: 'Put the parent where the disk looks for it, or convert the chain to a new disk.',
  })
}

/** `.\a\base.vhd` as other systems write it: `a/base.vhd`. */
export function posixPath(relative: string): string {
  return relative.replace(/^\.\\/, '').replaceAll('\\', '/')
}
