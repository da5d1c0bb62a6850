import { viewOf } from '../../../base/index.ts'
import { SECTOR } from '../../format.ts'
import { qemuFormatOf } from '../../formats/qcow2/backing.ts'
import { firstClusterBytes, MAX_BACKING_NAME_BYTES, parseHeader } from '../../formats/qcow2/header.ts'
import type { Surgery } from '../surgery.ts'
import { cannotRecord, type ParentRecord, posixPath } from './parent-record.ts'

const BACKING_FORMAT = 0xe279_2aca

/**
 * The name of the backing file and its format stand in the first cluster, behind the header: the extensions are written
 * again with the format in them, and the name behind them.
 */
export function renameQcow2Parent(surgery: Surgery, parent: ParentRecord): void {
  const { store } = surgery
  const clusterBytes = firstClusterBytes(store, surgery.bytesAt(0, Math.min(SECTOR, store.size())))
  const cluster = surgery.bytesAt(0, Math.min(clusterBytes, store.size()))
  const header = parseHeader(store, cluster)
  const relative = posixPath(parent.relativePath)
  // Before a colon QEMU would see a protocol.
  const text = relative.includes(':') ? `./${relative}` : relative
  const name = new TextEncoder().encode(text)
  const limit = header.backingOffset > 0 ? header.backingOffset : cluster.length
  const extensions = withFormat(cluster.subarray(header.headerLength, limit), qemuFormatOf(parent.format))
  const nameAt = header.headerLength + extensions.length
  const oldEnd = Math.max(header.backingOffset + header.backingLength, header.headerLength)
  const end = Math.max(nameAt + name.length, oldEnd)
  if (name.length > MAX_BACKING_NAME_BYTES || end > cluster.length || !isFree(cluster, oldEnd, end))
    throw cannotRecord(store.name, `The name "${text}" does not fit into the first cluster.`)
  const changed = cluster.slice(0, end)
  changed.fill(0, header.headerLength)
  changed.set(extensions, header.headerLength)
  changed.set(name, nameAt)
  const view = viewOf(changed)
  view.setBigUint64(8, BigInt(nameAt))
  view.setUint32(16, name.length)
  surgery.write(0, changed, {
    what: `Write the backing file's name "${text}" and its format "${qemuFormatOf(parent.format)}".`,
    why: 'The disk shall find its parent again.',
  })
}

/** The extensions, with this backing format in place of another, and their end. */
function withFormat(bytes: Uint8Array, format: string): Uint8Array {
  const parts: Uint8Array[] = [extension(BACKING_FORMAT, new TextEncoder().encode(format))]
  const view = viewOf(bytes)
  for (let at = 0; at + 8 <= bytes.length; ) {
    const type = view.getUint32(at)
    const length = 8 + Math.ceil(view.getUint32(at + 4) / 8) * 8
    if (type === 0) break
    if (type !== BACKING_FORMAT) parts.push(bytes.subarray(at, at + length))
    at += length
  }
  parts.push(new Uint8Array(8))
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function extension(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + Math.ceil(data.length / 8) * 8)
  viewOf(bytes).setUint32(0, type)
  viewOf(bytes).setUint32(4, data.length)
  bytes.set(data, 8)
  return bytes
}

function isFree(bytes: Uint8Array, from: number, end: number): boolean {
  return bytes.subarray(from, end).every((value) => value === 0)
}
