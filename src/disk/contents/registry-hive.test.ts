import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiBytes, encodeUtf16, viewOf } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { windowsFrom } from './guest-files.ts'
import { hiveValues } from './registry-hive.ts'

/** Builds a hive from the inside out: each cell is there before what names it. */
class HiveBuilder {
  readonly #bytes: number[] = new Array<number>(32).fill(0)

  cell(content: Uint8Array): number {
    const at = this.#bytes.length
    const size = Math.ceil((content.length + 4) / 8) * 8
    const cell = new Uint8Array(size)
    viewOf(cell).setInt32(0, -size, true)
    cell.set(content, 4)
    this.#bytes.push(...cell)
    return at
  }

  value(name: string, value: string | number): number {
    const cell = new Uint8Array(20 + name.length)
    const view = viewOf(cell)
    cell.set(asciiBytes('vk'))
    view.setUint16(2, name.length, true)
    if (typeof value === 'number') {
      view.setUint32(4, 0x80000004, true)
      view.setUint32(8, value, true)
      view.setUint32(12, 4, true)
    } else {
      const text = encodeUtf16(`${value}\0`, 'le')
      view.setUint32(4, text.length, true)
      view.setUint32(8, this.cell(text), true)
      view.setUint32(12, 1, true)
    }
    view.setUint16(16, 1, true)
    cell.set(asciiBytes(name), 20)
    return this.cell(cell)
  }

  offsets(values: readonly number[]): Uint8Array {
    const bytes = new Uint8Array(values.length * 4)
    for (const [index, value] of values.entries()) viewOf(bytes).setUint32(index * 4, value, true)
    return bytes
  }

  list(kind: 'lf' | 'lh' | 'li' | 'ri', keys: readonly number[]): number {
    const step = kind === 'lf' || kind === 'lh' ? 8 : 4
    const list = new Uint8Array(4 + keys.length * step)
    list.set(asciiBytes(kind))
    viewOf(list).setUint16(2, keys.length, true)
    for (const [index, key] of keys.entries()) viewOf(list).setUint32(4 + index * step, key, true)
    return this.cell(list)
  }

  key(name: string, list: number | undefined, values: readonly number[] = [], wide = false): number {
    const text = wide ? encodeUtf16(name, 'le') : asciiBytes(name)
    const cell = new Uint8Array(76 + text.length)
    const view = viewOf(cell)
    cell.set(asciiBytes('nk'))
    view.setUint16(2, wide ? 0 : 0x20, true)
    view.setUint32(28, list ?? 0xffffffff, true)
    view.setUint32(36, values.length, true)
    view.setUint32(40, values.length === 0 ? 0xffffffff : this.cell(this.offsets(values)), true)
    view.setUint16(72, text.length, true)
    cell.set(text, 76)
    return this.cell(cell)
  }

  hive(root: number): Uint8Array {
    const hive = new Uint8Array(4096 + this.#bytes.length)
    hive.set(asciiBytes('regf'))
    viewOf(hive).setUint32(36, root, true)
    hive.set(this.#bytes, 4096)
    return hive
  }
}

const PATH = ['Microsoft', 'Windows NT', 'CurrentVersion']
const XP = {
  ProductName: 'Microsoft Windows XP',
  CSDVersion: 'Service Pack 3',
  CurrentVersion: '5.1',
  CurrentBuildNumber: '2600',
  InstallDate: 1_234_567_890,
}

function hiveWith(values: Readonly<Record<string, string | number>>): Uint8Array {
  const build = new HiveBuilder()
  const made = Object.entries(values).map(([name, value]) => build.value(name, value))
  const current = build.key('CurrentVersion', undefined, made)
  const others = ['Fonts', 'Other'].map((name) => build.key(name, undefined))
  // One list of each kind on the way down.
  const windows = build.key('Windows NT', build.list('li', [others[0]!, current]), [], true)
  const parts = [build.list('lf', [others[1]!]), build.list('lh', [windows])]
  const microsoft = build.key('Microsoft', build.list('ri', parts))
  return build.hive(build.key('$$$PROTO.HIV', build.list('lf', [microsoft])))
}

test('values are found through every kind of list, names in any case', () => {
  const values = hiveValues(hiveWith(XP), ['MICROSOFT', 'windows nt', 'currentversion'])
  assert.deepEqual(
    Object.fromEntries(values!),
    Object.fromEntries(Object.entries(XP).map(([name, value]) => [name.toLowerCase(), value])),
  )
  assert.equal(hiveValues(hiveWith(XP), ['Microsoft', 'Nothing']), undefined)
  assert.equal(hiveValues(new Uint8Array(8192), PATH), undefined)
})

test('a damaged or cut hive gives less, and never an error', () => {
  const sound = hiveWith(XP)
  for (let length = 0; length < sound.length; length += 7) hiveValues(sound.subarray(0, length), PATH)
  const spots = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(spots, (changes) => {
      const damaged = sound.slice()
      // The header stays: behind it, every byte is the damage's.
      for (const [at, value] of changes) if (at >= 4) damaged[at] = value
      const values = hiveValues(damaged, PATH)
      assert.ok(values === undefined || values.size <= Object.keys(XP).length)
    }),
    { numRuns: cases(400, 2000) },
  )
})

test('Windows is called what people call it', () => {
  const named = (values: Record<string, string | number>) => {
    const { name, version } = windowsFrom(hiveValues(hiveWith(values), PATH)!, 'x')
    return [name, version]
  }
  assert.deepEqual(named(XP), ['Windows XP', 'Service Pack 3, 5.1.2600'])
  assert.deepEqual(
    named({ CurrentVersion: '4.0', CurrentBuildNumber: '1381', CSDVersion: 'Service Pack 6' }),
    ['Windows NT 4.0', 'Service Pack 6, 4.0.1381'],
  )
  assert.deepEqual(
    named({
      ProductName: 'Windows 10 Pro',
      CurrentVersion: '6.3',
      CurrentBuildNumber: '22631',
      CurrentMajorVersionNumber: 10,
      CurrentMinorVersionNumber: 0,
      DisplayVersion: '23H2',
    }),
    ['Windows 11 Pro', '23H2, 10.0.22631'],
  )
  assert.deepEqual(named({}), ['Windows NT', undefined])
})
