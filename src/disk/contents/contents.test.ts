import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes, encodeUtf16, MiB, viewOf } from '../../base/index.ts'
import type { Disk } from '../disk.ts'
import { openDisk } from '../open.ts'
import { memoryStore } from '../testing.ts'
import { crc32 } from './crc32.ts'
import { readContents } from './partitions.ts'

const SECTORS = 8192

function diskOf(bytes: Uint8Array): Disk {
  return openDisk(memoryStore(bytes), { format: 'raw' })
}

function put(bytes: Uint8Array, offset: number, text: string): void {
  bytes.set(asciiBytes(text), offset)
}

function mbrEntry(
  bytes: Uint8Array,
  table: number,
  index: number,
  type: number,
  first: number,
  sectors: number,
): void {
  const at = table * 512 + 446 + index * 16
  const view = viewOf(bytes)
  bytes[at + 4] = type
  view.setUint32(at + 8, first, true)
  view.setUint32(at + 12, sectors, true)
  view.setUint16(table * 512 + 510, 0x55aa)
}

function ext4At(bytes: Uint8Array, offset: number, label: string): void {
  const view = viewOf(bytes)
  view.setUint16(offset + 1024 + 56, 0xef53, true)
  view.setUint32(offset + 1024 + 96, 0x40, true)
  put(bytes, offset + 1024 + 120, label)
}

test('primary and logical partitions are listed with what they hold', () => {
  const bytes = new Uint8Array(SECTORS * 512)
  mbrEntry(bytes, 0, 0, 0x83, 64, 1000)
  bytes[446] = 0x80
  mbrEntry(bytes, 0, 1, 0x05, 2000, 4000)
  mbrEntry(bytes, 2000, 0, 0x07, 64, 500)
  mbrEntry(bytes, 2000, 1, 0x05, 1000, 1000)
  mbrEntry(bytes, 3000, 0, 0x82, 64, 500)
  ext4At(bytes, 64 * 512, 'root')
  put(bytes, 3064 * 512 + 4086, 'SWAPSPACE2')
  put(bytes, 2064 * 512 + 3, 'EXFAT   ')
  const { scheme, partitions, problems } = readContents(diskOf(bytes))
  assert.equal(scheme, 'mbr')
  assert.deepEqual(problems, [])
  assert.deepEqual(
    partitions.map(({ number, typeName, active, offset, fileSystem, label }) => [
      number,
      typeName,
      active,
      offset / 512,
      fileSystem,
      label,
    ]),
    [
      [1, 'Linux', true, 64, 'ext4', 'root'],
      [2, 'Extended', false, 2000, undefined, undefined],
      [5, 'NTFS, HPFS or exFAT', false, 2064, 'exFAT', undefined],
      [6, 'Linux swap or Solaris', false, 3064, 'swap', undefined],
    ],
  )
})

test('a list of logical partitions that comes back to itself ends with a problem', () => {
  const bytes = new Uint8Array(SECTORS * 512)
  mbrEntry(bytes, 0, 0, 0x0f, 100, 4000)
  mbrEntry(bytes, 100, 0, 0x83, 10, 20)
  mbrEntry(bytes, 100, 1, 0x05, 200, 20)
  mbrEntry(bytes, 300, 0, 0x83, 10, 20)
  mbrEntry(bytes, 300, 1, 0x05, 200, 20)
  const { partitions, problems } = readContents(diskOf(bytes))
  assert.deepEqual(
    partitions.map(({ number }) => number),
    [1, 5, 6],
  )
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['partition-list-broken'],
  )
})

test('a partition behind the end of the disk is a problem', () => {
  const bytes = new Uint8Array(MiB)
  mbrEntry(bytes, 0, 0, 0x0c, 64, 0xffff_0000)
  assert.deepEqual(
    readContents(diskOf(bytes)).problems.map(({ code }) => code),
    ['partition-beyond-end'],
  )
})

function gptDisk(): Uint8Array {
  const bytes = new Uint8Array(SECTORS * 512)
  mbrEntry(bytes, 0, 0, 0xee, 1, SECTORS - 1)
  const last = SECTORS - 1
  for (const [header, table, other] of [
    [1, 2, last],
    [last, last - 32, 1],
  ] as const) {
    const view = viewOf(bytes)
    const at = table * 512
    bytes.set(
      [0xa2, 0xa0, 0xd0, 0xeb, 0xe5, 0xb9, 0x33, 0x44, 0x87, 0xc0, 0x68, 0xb6, 0xb7, 0x26, 0x99, 0xc7],
      at,
    )
    view.setBigUint64(at + 32, 100n, true)
    view.setBigUint64(at + 40, 4099n, true)
    bytes.set(encodeUtf16('Daten', 'le'), at + 56)
    put(bytes, header * 512, 'EFI PART')
    view.setUint32(header * 512 + 12, 92, true)
    view.setBigUint64(header * 512 + 24, BigInt(header), true)
    view.setBigUint64(header * 512 + 32, BigInt(other), true)
    view.setBigUint64(header * 512 + 72, BigInt(table), true)
    view.setUint32(header * 512 + 80, 128, true)
    view.setUint32(header * 512 + 84, 128, true)
    view.setUint32(header * 512 + 88, crc32(bytes.subarray(at, at + 128 * 128)), true)
    view.setUint32(header * 512 + 16, crc32(bytes.subarray(header * 512, header * 512 + 92)), true)
  }
  return bytes
}

test('a GPT is read, from its copy when the first one is damaged', () => {
  assert.equal(crc32(asciiBytes('123456789')), 0xcbf43926)
  const sound = gptDisk()
  const changed = gptDisk()
  changed[512 + 40]! ^= 1
  const both = gptDisk()
  both[512 + 40]! ^= 1
  both[(SECTORS - 1) * 512 + 40]! ^= 1
  for (const [bytes, codes] of [
    [sound, []],
    [changed, ['gpt-damaged']],
    [both, ['gpt-damaged']],
  ] as const) {
    const { scheme, partitions, problems } = readContents(diskOf(bytes))
    assert.equal(scheme, 'gpt')
    assert.deepEqual(
      problems.map(({ code }) => code),
      codes,
    )
    assert.deepEqual(
      partitions.map(({ number, typeName, name, offset, sizeBytes }) => [
        number,
        typeName,
        name,
        offset,
        sizeBytes,
      ]),
      [[1, 'Microsoft basic data', 'Daten', 100 * 512, 4000 * 512]],
    )
  }
})

test('a volume without a partition table is shown as one', () => {
  const bytes = new Uint8Array(MiB)
  put(bytes, 32_769, 'CD001')
  put(bytes, 32_808, 'SETUP_CD        ')
  const { scheme, partitions } = readContents(diskOf(bytes))
  assert.equal(scheme, 'none')
  assert.deepEqual(
    [partitions[0]?.fileSystem, partitions[0]?.label, partitions[0]?.typeName],
    ['ISO 9660', 'SETUP_CD', 'whole disk'],
  )
})

test('an empty disk has no table, and one with nothing but a signature an empty one', () => {
  const bytes = new Uint8Array(MiB)
  assert.deepEqual(readContents(diskOf(bytes)), { scheme: 'none', partitions: [], problems: [] })
  viewOf(bytes).setUint16(510, 0x55aa)
  assert.deepEqual(readContents(diskOf(bytes)), { scheme: 'mbr', partitions: [], problems: [] })
})

test('random bytes behind every signature never do more than confuse', () => {
  let state = 99
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state >>> 24
  }
  const signs: [number, string][] = [
    [3, 'NTFS    '],
    [3, 'EXFAT   '],
    [1080, '\x53\xef'],
    [512, 'EFI PART'],
    [1024, 'BD'],
    [0, '\0'],
  ]
  for (let run = 0; run < 300; run++) {
    const bytes = new Uint8Array(128 * 512).map(next)
    const [offset, text] = signs[run % signs.length]!
    put(bytes, offset, text)
    if (run % 2 === 0) put(bytes, 510, '\x55\xaa')
    for (let at = 446; at < 510; at += 16) bytes[at] = 0
    readContents(diskOf(bytes))
  }
})
