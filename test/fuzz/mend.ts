import type { ByteStore } from '../../src/base/index.ts'
import { checksumOf as vhdChecksum } from '../../src/disk/formats/vhd/checksum.ts'
import { checksumOf as crc32c } from '../../src/disk/formats/vhdx/crc32c.ts'

/**
 * Puts the checksums right after a mutation. Without it nearly every damaged VHDX is refused by its first checksum,
 * and what lies behind is never tried; an attacker computes them too.
 */
export function mendChecksums(format: string, store: ByteStore): void {
  if (format === 'vhd') mendVhd(store)
  if (format === 'vhdx') mendVhdx(store)
}

function mendVhd(store: ByteStore): void {
  const size = store.size()
  for (const at of [0, size - 512])
    mendRange(store, at, 512, 'conectix', (bytes) => setBig(bytes, 64, vhdChecksum(bytes, 64)))
  mendRange(store, 512, 1024, 'cxsparse', (bytes) => setBig(bytes, 36, vhdChecksum(bytes, 36)))
}

function mendVhdx(store: ByteStore): void {
  const KiB = 1024
  for (const at of [64 * KiB, 128 * KiB]) mendRange(store, at, 4 * KiB, 'head', setCrc)
  for (const at of [192 * KiB, 256 * KiB]) mendRange(store, at, 64 * KiB, 'regi', setCrc)
  for (let at = 1024 * KiB; at < 1152 * KiB; at += 4 * KiB) mendRange(store, at, 8 * KiB, 'loge', setCrc)
}

function setCrc(bytes: Uint8Array): void {
  new DataView(bytes.buffer).setUint32(4, crc32c(bytes, 4), true)
}

function setBig(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer).setUint32(at, value)
}

function mendRange(
  store: ByteStore,
  at: number,
  length: number,
  signature: string,
  mend: (bytes: Uint8Array) => void,
): void {
  if (at < 0 || at + length > store.size()) return
  const bytes = new Uint8Array(length)
  store.read(at, bytes)
  if (new TextDecoder('latin1').decode(bytes.subarray(0, signature.length)) !== signature) return
  mend(bytes)
  store.write(at, bytes)
}
