import assert from 'node:assert/strict'
import { test } from 'node:test'
import { viewOf } from '../../base/index.ts'
import { rockRidgeLinks } from './rock-ridge.ts'

/** A disc of a few sectors; the first folder is in sector 20. Real discs are in test/e2e/inside.test.ts. */
const SECTOR = 2048
const ROOT = 20
const SP = [...Buffer.from('SP'), 7, 1, 0xbe, 0xef, 0]

const entry = (sign: string, ...rest: number[]) => [...Buffer.from(sign), rest.length + 4, 1, ...rest]
const name = (text: string) => entry('NM', 0, ...Buffer.from(text))
const movedTo = (block: number) => entry('CL', block, 0, 0, 0, 0, 0, 0, block)
/** A component: flags, length, text. */
const part = (text: string, flags = 0) => [flags, text.length, ...Buffer.from(text)]

function record(block: number, flags: number, identifier: number[], systemUse: number[]): number[] {
  const start = 33 + identifier.length + ((identifier.length + 1) % 2)
  const bytes = new Uint8Array(start + systemUse.length)
  bytes[0] = bytes.length
  viewOf(bytes).setUint32(2, block, true)
  viewOf(bytes).setUint32(10, SECTOR, true)
  bytes[25] = flags
  bytes[32] = identifier.length
  bytes.set(identifier, 33)
  bytes.set(systemUse, start)
  return [...bytes]
}

const self = (block: number, systemUse: number[] = []) => record(block, 2, [0], systemUse)

function linksOf(sectors: Readonly<Record<number, number[]>>): Record<string, string | undefined> {
  const bytes = new Uint8Array(32 * SECTOR)
  const primary = new Uint8Array(SECTOR)
  primary.set([1, ...Buffer.from('CD001'), 1])
  viewOf(primary).setUint16(128, SECTOR, true)
  primary.set(self(ROOT), 156)
  bytes.set(primary, 16 * SECTOR)
  for (const [sector, content] of Object.entries(sectors)) bytes.set(content, Number(sector) * SECTOR)
  const volume = {
    sizeBytes: bytes.length,
    bytes: (at: number, length: number) =>
      at + length <= bytes.length ? bytes.slice(at, at + length) : undefined,
  }
  return Object.fromEntries(rockRidgeLinks(volume))
}

test('a target is put together from its components, wherever they are cut', () => {
  const links = linksOf({
    [ROOT]: [
      self(ROOT, SP),
      record(0, 0, [65], [...name('one'), ...entry('SL', 0, ...part('', 8), ...part('a'), ...part('', 4))]),
      record(
        0,
        0,
        [66],
        [...name('two'), ...entry('SL', 1, ...part('be', 1)), ...entry('SL', 0, ...part('gin'))],
      ),
      record(0, 0, [67], name('no link')),
    ].flat(),
  })
  assert.deepEqual(links, { one: '/a/..', two: 'begin' })
})

test('a target that is cut off or no text leads nowhere known, and what is no name is left out', () => {
  const links = linksOf({
    [ROOT]: [
      self(ROOT, SP),
      record(0, 0, [65], [...name('cut'), ...entry('SL', 0, ...part('a'), 0, 9, 97)]),
      record(0, 0, [66], [...name('goes on'), ...entry('SL', 1, ...part('a'))]),
      record(0, 0, [67], [...name('bytes'), ...entry('SL', 0, 0, 1, 0xff)]),
      record(0, 0, [68], [...name('../up'), ...entry('SL', 0, ...part('a'))]),
    ].flat(),
  })
  assert.deepEqual(links, { cut: undefined, 'goes on': undefined, bytes: undefined })
})

test('a folder that leads back to itself ends, and a disc without Rock Ridge has no links', () => {
  const loop = linksOf({
    [ROOT]: [
      self(ROOT, SP),
      record(0, 0, [65], [...name('again'), ...movedTo(ROOT)]),
      record(0, 0, [66], [...name('l'), ...entry('SL', 0, ...part('a'))]),
    ].flat(),
  })
  assert.ok(Object.keys(loop).length <= 64)
  assert.equal(loop['again/again/l'], 'a')
  const plain = [self(ROOT), record(0, 0, [65], [...name('l'), ...entry('SL', 0, ...part('a'))])].flat()
  assert.deepEqual(linksOf({ [ROOT]: plain }), {})
  assert.deepEqual(linksOf({}), {})
})
