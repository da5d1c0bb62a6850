import { basename, dirname, extname } from 'node:path'
import { isUndoOf, parseUndoFileName } from '../../machine/index.ts'
import { factsOfFile } from '../../system/index.ts'
import type { UndoDrive, UndoMachine } from './machine.ts'

/**
 * Whether the recorded file is an undo disk that was made for this disk, and may so be removed with its changes: by
 * its parent's id, or, where it cannot be read or its disk is another by now, by its name and place.
 */
export function isOwnUndoDisk(machine: UndoMachine, drive: UndoDrive): boolean {
  const { undo } = drive
  if (undo === undefined || extname(undo).toLowerCase() !== '.vud') return false
  return isMadeOn(undo, drive.base) || isCalledAsOwn(machine, undo, drive)
}

function isMadeOn(undo: string, base: string): boolean {
  try {
    const { parent } = factsOfFile(undo)
    return parent?.id !== undefined && parent.id === factsOfFile(base).id
  } catch {
    return false
  }
}

function isCalledAsOwn({ name, folder }: UndoMachine, undo: string, { channel, unit }: UndoDrive): boolean {
  const parsed = parseUndoFileName(basename(undo))
  if (parsed === undefined || dirname(undo) !== folder) return false
  return isUndoOf(parsed, name) && parsed.channel === channel && parsed.unit === unit
}
