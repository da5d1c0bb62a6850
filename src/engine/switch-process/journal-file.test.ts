import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import type { LeaseRecord } from '../../network/index.ts'
import { JournalFile } from './journal-file.ts'
import { LEASES } from './journal-text.ts'

function leasePath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'leases-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'lab.json')
}

const lease = (address: string, state: LeaseRecord['state'] = 'bound'): LeaseRecord => ({
  address,
  client: '01',
  mac: '00:03:ff:00:00:01',
  state,
  expiresAt: '2005-06-02T00:00:00.000Z',
})

const open = (path: string) => new JournalFile<LeaseRecord>(path, LEASES)
const saved = (file: JournalFile<LeaseRecord>) => new Promise<void>((resolve) => file.whenSaved(resolve))
const stored = (path: string) => open(path).load()

test('what was put is on disk when it says so: the newest of each address', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  assert.deepEqual(file.load(), [])
  file.put(lease('10.244.0.16'))
  await saved(file)
  assert.deepEqual(stored(path), [lease('10.244.0.16')])
  file.put(lease('10.244.0.17'))
  file.put(lease('10.244.0.16', 'released'))
  file.put(lease('10.244.0.18'))
  file.remove('10.244.0.18')
  await saved(file)
  assert.deepEqual(stored(path), [lease('10.244.0.16', 'released'), lease('10.244.0.17')])
  assert.deepEqual(file.load(), stored(path))
  file.close()
})

test('what was not saved yet is when it closes', (t) => {
  const path = leasePath(t)
  const file = open(path)
  file.put(lease('10.244.0.16'))
  file.close()
  assert.deepEqual(stored(path), [lease('10.244.0.16')])
  assert.deepEqual(readdirSync(join(path, '..')), ['lab.json'])
})

test('wherever a crash cuts the journal, what was told before is there', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  const sizes: number[] = []
  for (let host = 16; host < 20; host++) {
    file.put(lease(`10.244.0.${host}`))
    await saved(file)
    sizes.push(statSync(path).size)
  }
  file.close()
  const whole = readFileSync(path)
  for (let cut = whole.length; cut >= sizes[0]!; cut--) {
    writeFileSync(path, whole.subarray(0, cut))
    const told = sizes.filter((size) => size <= cut).length
    const next = open(path)
    const found = next.load() as LeaseRecord[]
    // One that is whole but for its line's end counts, told or not.
    assert.ok(found.length === told || (found.length === told + 1 && sizes[told] === cut + 1))
    if (cut % 7 !== 0 && !sizes.includes(cut)) continue
    next.put(lease('10.244.0.99'))
    await saved(next)
    next.close()
    assert.deepEqual(stored(path), [...found, lease('10.244.0.99')])
  }
  writeFileSync(path, whole)
  appendFileSync(path, Buffer.alloc(512))
  assert.equal((stored(path) as LeaseRecord[]).length, sizes.length)
})

test('a journal of renewals does not grow without end', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  for (let renewal = 0; renewal < 5000; renewal++) {
    file.put(lease(`10.244.0.${16 + (renewal % 10)}`))
    if (renewal % 50 === 0) await saved(file)
  }
  await saved(file)
  assert.ok(readFileSync(path, 'utf8').split('\n').length < 1200)
  assert.equal((stored(path) as LeaseRecord[]).length, 10)
  file.close()
})

test('what came together is there together, wherever a crash cuts the journal', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  file.put(lease('10.244.0.16'))
  await saved(file)
  const before = statSync(path).size
  file.remove('10.244.0.16')
  for (let host = 17; host < 20; host++) file.put(lease(`10.244.0.${host}`))
  await saved(file)
  file.close()
  const whole = readFileSync(path)
  const addresses = () => (stored(path) as LeaseRecord[]).map(({ address }) => address)
  assert.deepEqual(addresses(), ['10.244.0.17', '10.244.0.18', '10.244.0.19'])
  // Without the end of its line it is whole as well.
  for (let cut = before; cut < whole.length - 1; cut++) {
    writeFileSync(path, whole.subarray(0, cut))
    assert.deepEqual(addresses(), ['10.244.0.16'])
  }
})

test('a flood of changes leaves a file no longer than what counts, several times', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  const long = { ...lease('10.244.0.16'), hostName: 'x'.repeat(200) }
  for (let round = 0; round < 60; round++) {
    for (let host = 0; host < 500; host++) {
      file.put({ ...long, address: `10.244.1.${host}` })
      file.remove(`10.244.1.${host}`)
    }
    for (let host = 0; host < 10; host++) file.put({ ...long, address: `10.244.0.${host}` })
    await saved(file)
  }
  assert.ok(statSync(path).size < 300_000, `${statSync(path).size} bytes`)
  assert.equal((stored(path) as LeaseRecord[]).length, 10)
  file.close()
})

test('more keys than may wait for the disk are written whole', async (t) => {
  const path = leasePath(t)
  const file = open(path)
  file.put(lease('10.244.0.16'))
  await saved(file)
  for (let number = 0; number < 40_000; number++) {
    file.put(lease(`key ${number}`))
    if (number >= 10) file.remove(`key ${number - 10}`)
  }
  await saved(file)
  assert.deepEqual(
    (stored(path) as LeaseRecord[]).map(({ address }) => address),
    ['10.244.0.16', ...Array.from({ length: 10 }, (_, index) => `key ${39_990 + index}`)],
  )
  file.close()
})

test('who waits without a change of its own is called back too', async (t) => {
  const file = open(leasePath(t))
  file.put(lease('10.244.0.16'))
  await saved(file)
  file.put(lease('10.244.0.17'))
  const first = saved(file)
  // The write is under way, and nothing else comes.
  await new Promise(setImmediate)
  await Promise.all([first, saved(file)])
  file.close()
})

test('a file of one document, as it was, is read, and goes on as a journal', async (t) => {
  const path = leasePath(t)
  writeFileSync(path, JSON.stringify({ leases: [lease('10.244.0.16')] }, undefined, 2))
  const file = open(path)
  assert.deepEqual(file.load(), [lease('10.244.0.16')])
  file.put(lease('10.244.0.17'))
  await saved(file)
  file.close()
  assert.deepEqual(stored(path), [lease('10.244.0.16'), lease('10.244.0.17')])
})

test('a file that is not one of leases is refused by name', (t) => {
  const path = leasePath(t)
  for (const text of ['', '{"leases', '[]', '"leases"', '{"version": 1}', '{"leases": 1}\nnonsense\n{}\n']) {
    writeFileSync(path, text)
    assert.throws(
      () => open(path).load(),
      (error) =>
        error instanceof VivariumError && error.code === 'lease-file-malformed' && error.where.path === path,
    )
  }
})

test('a file that cannot be written is a problem, not an exception, until it can', async (t) => {
  const folder = leasePath(t)
  mkdirSync(folder)
  const path = join(folder, 'missing', 'lab.json')
  const file = open(path)
  file.put(lease('10.244.0.16'))
  await saved(file)
  assert.equal(file.problem?.where?.path, path)
  mkdirSync(join(folder, 'missing'))
  file.close()
  assert.equal(file.problem, undefined)
  assert.deepEqual(stored(path), [lease('10.244.0.16')])
})
