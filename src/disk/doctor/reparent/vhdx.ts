import { viewOf } from '../../../base/index.ts'
import { NO_GUID, readGuid } from '../../formats/vhdx/guid.ts'
import { findHeaders } from '../../formats/vhdx/headers.ts'
import { formatParentLocator } from '../../formats/vhdx/parent-locator.ts'
import { readRegions } from '../../formats/vhdx/region-table.ts'
import { alignUp } from '../patient.ts'
import type { Surgery } from '../surgery.ts'
import { cannotRecord, type ParentRecord } from './parent-record.ts'

const TABLE_BYTES = 64 << 10
const ENTRIES_AT = 32
const ENTRY_BYTES = 32
const PARENT_LOCATOR = 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c'

/**
 * The parent locator is an item of the metadata region (MS-VHDX 2.6.2.6). A new one goes behind all others, and then
 * its entry in the table, which lies within one sector, is changed to point to it.
 */
export function renameVhdxParent(surgery: Surgery, parent: ParentRecord): void {
  const { store } = surgery
  if (findHeaders(store).current.logGuid !== NO_GUID)
    throw cannotRecord(store.name, 'The log of the disk holds changes: repair it first.')
  if (parent.id === undefined) throw cannotRecord(store.name, 'A VHDX can have a VHDX as its parent only.')
  const { metadata } = readRegions(store)
  const table = surgery.bytesAt(metadata.offset, TABLE_BYTES)
  const view = viewOf(table)
  let entryAt: number | undefined
  let end = TABLE_BYTES
  for (let index = 0; index < view.getUint16(10, true); index++) {
    const at = ENTRIES_AT + index * ENTRY_BYTES
    end = Math.max(end, view.getUint32(at + 16, true) + view.getUint32(at + 20, true))
    if (readGuid(table, at) === PARENT_LOCATOR) entryAt = at
  }
  if (entryAt === undefined) throw cannotRecord(store.name, 'The disk has no parent locator.')
  const item = formatParentLocator({
    linkage: parent.id,
    relativePath: parent.relativePath,
    absolutePath: parent.absolutePath,
  })
  const old = {
    offset: view.getUint32(entryAt + 16, true),
    length: view.getUint32(entryAt + 20, true),
  }
  if (same(surgery.bytesAt(metadata.offset + old.offset, old.length), item)) return
  const offset = alignUp(end, 8)
  if (offset + item.length > metadata.length)
    throw cannotRecord(store.name, 'The metadata region has no room for another name.')
  surgery.write(metadata.offset + offset, item, {
    what: `Write a parent locator: ${parent.absolutePath}`,
    why: 'The disk shall find its parent again.',
  })
  const entry = table.slice(entryAt, entryAt + ENTRY_BYTES)
  viewOf(entry).setUint32(16, offset, true)
  viewOf(entry).setUint32(20, item.length, true)
  surgery.write(metadata.offset + entryAt, entry, {
    what: `Point the metadata table to it; the parent's id is ${parent.id}.`,
    why: 'The former locator is left where it is, unused.',
  })
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((value, index) => value === other[index])
}
