import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { asciiOf } from '../../base/index.ts'
import { assembleGuest } from '../guest-sources.ts'
import { HELLO_DISK_BYTES, helloPieces } from './image.ts'

const [record, program] = helloPieces()

test('the master boot record points at the program, and both end as boot sectors do', () => {
  assert.equal(record!.offset, 0)
  assert.deepEqual([...record!.bytes.subarray(510)], [0x55, 0xaa])
  assert.deepEqual([...program!.bytes.subarray(510, 512)], [0x55, 0xaa])
  assert.equal(new DataView(record!.bytes.buffer).getUint32(446 + 8, true) * 512, program!.offset)
  assert.ok(program!.offset + program!.bytes.length < HELLO_DISK_BYTES)
})

test('the program loads exactly what there is of it', () => {
  const { symbols } = assembleGuest('hello.asm')
  const sectors = new DataView(program!.bytes.buffer).getUint16(symbols.get('packet')! - 0x7c00 + 2, true)
  assert.equal((sectors + 1) * 512, program!.bytes.length)
  assert.match(asciiOf(program!.bytes), /Hello from Vivarium/)
})

test('no two variables of the guest lie in the same place', () => {
  const { symbols } = assembleGuest('hello.asm')
  const lines = readFileSync(new URL('../../../samples/hello/variables.asm', import.meta.url), 'utf8')
  const names = [...lines.matchAll(/^(\w+)\s+equ/gm)].map((match) => match[1]!)
  const places = names.map((name) => symbols.get(name)!)
  assert.equal(new Set(places).size, names.length)
  assert.equal(Math.max(...places), symbols.get('variables_end'))
})

test('NASM makes the same bytes of the same sources', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-nasm-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const cwd = new URL('../../../samples/hello/', import.meta.url)
  for (const name of ['mbr.asm', 'hello.asm']) {
    const output = join(folder, name)
    try {
      execFileSync('nasm', ['-f', 'bin', '-o', output, name], { cwd, stdio: 'pipe' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      t.skip('nasm is not installed (Debian package nasm)')
      return
    }
    assert.deepEqual(new Uint8Array(readFileSync(output)), assembleGuest(name).bytes, name)
  }
})
