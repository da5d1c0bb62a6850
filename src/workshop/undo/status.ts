import { statSync } from 'node:fs'
import {
  factsOfFile,
  inspectDisk,
  isOpenForWriting,
  mergeProblem,
  readMergeMarker,
} from '../../system/index.ts'
import { orphansOf, readUndoMachine, type UndoDrive } from './machine.ts'

/**
 * `none`; `there`; `missing`: recorded, and not to be found; `half-committed`: a commit was begun and not ended;
 * `committed`: all of it is in the disk below, and only its record is left; `in-use`: open for writing now.
 */
export type UndoState = 'none' | 'there' | 'missing' | 'half-committed' | 'committed' | 'in-use'

export interface UndoStatus {
  readonly machine: string
  readonly name: string
  readonly enabled: boolean
  readonly drives: readonly (UndoDrive & {
    readonly state: UndoState
    /** Bytes of the undo disk's file, and of the guest's data in it. */
    readonly fileSize?: number
    readonly allocated?: number
  })[]
  /** Undo disks beside the machine file that bear its name and are not recorded. */
  readonly orphans: readonly string[]
}

/** What undo disks a machine has, and how they fare. */
export function undoStatus(file: string, roots: readonly string[]): UndoStatus {
  const machine = readUndoMachine(file, roots)
  return {
    machine: machine.path,
    name: machine.name,
    enabled: machine.machine.undoEnabled,
    drives: machine.drives.map((drive) => ({
      ...drive,
      state: stateOf(drive),
      ...(drive.undo !== undefined && {
        fileSize: statSync(drive.undo).size,
        allocated: inspectDisk(drive.undo, { roots }).allocated,
      }),
    })),
    orphans: orphansOf(machine),
  }
}

export function stateOf(drive: UndoDrive): UndoState {
  if (drive.recordedAs === undefined) return 'none'
  if (drive.undo === undefined) return isCommitted(drive) ? 'committed' : 'missing'
  if (isHalfCommitted(drive)) return 'half-committed'
  return isOpenForWriting(drive.undo) ? 'in-use' : 'there'
}

/** A merge of this very undo disk into its disk was begun and not ended. */
export function isHalfCommitted({ base, undo }: UndoDrive): boolean {
  if (undo === undefined || mergeProblem(base) === undefined) return false
  const marker = readMergeMarker(base)
  return marker?.child === undo || (marker?.childId !== undefined && marker.childId === factsOfFile(undo).id)
}

/** A kill came between the removal of the merged file and that of its record. */
function isCommitted({ base, recordedAs }: UndoDrive): boolean {
  const marker = readMergeMarker(base)
  if (marker?.state !== 'merged' || recordedAs === undefined) return false
  return lastPart(marker.child) === lastPart(recordedAs)
}

function lastPart(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path
}
