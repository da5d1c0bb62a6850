import { fstatSync, statSync } from 'node:fs'
import type { ByteStore } from '../base/index.ts'
import { descriptorOf } from './files.ts'

/** What tells whether a file is the same, with the same content, as when it was looked at. */
export interface FileStamp {
  readonly device: bigint
  readonly inode: bigint
  readonly size: bigint
  /** Of content and of everything else about the file; no program can set it. */
  readonly changedNs: bigint
  readonly takenMs: number
}

/** Hosts count the time of a change in steps, of 2 s at the worst (FAT): within one, a second change leaves no trace. */
const STEP_MS = 3000

/** To be taken before the first byte is read. Undefined for what is no open file. */
export function stampOf(store: ByteStore): FileStamp | undefined {
  const descriptor = descriptorOf(store)
  return descriptor === undefined ? undefined : stampFrom(fstatSync(descriptor, { bigint: true }))
}

/** True only when it is certain that the path still names that file and nobody has written to it since. */
export function isUnchanged(path: string, { device, inode, size, changedNs, takenMs }: FileStamp): boolean {
  if (Number(changedNs / 1_000_000n) > takenMs - STEP_MS) return false
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return false
  const now = stampFrom(found)
  return now.device === device && now.inode === inode && now.size === size && now.changedNs === changedNs
}

function stampFrom(stats: { dev: bigint; ino: bigint; size: bigint; ctimeNs: bigint }): FileStamp {
  const { dev: device, ino: inode, size, ctimeNs: changedNs } = stats
  return { device, inode, size, changedNs, takenMs: Date.now() }
}
