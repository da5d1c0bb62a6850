import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Accelerator } from '../../engine.ts'
import { rememberedProof } from './kvm-memory.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-kvm-memory-'))
after(() => rmSync(folder, { recursive: true }))

test('a proof is made once a boot, again for another program, and again when the memory is unreadable', async (t) => {
  if (!existsSync('/proc/sys/kernel/random/boot_id')) return t.skip('no boot id on this system')
  const file = join(folder, 'cache', 'kvm.json')
  const proved: string[] = []
  const prove = async (program: string): Promise<Accelerator> => {
    proved.push(program)
    return { name: 'kvm', usable: true, reason: 'It ran.' }
  }
  await rememberedProof(process.execPath, prove, file)
  assert.equal((await rememberedProof(process.execPath, prove, file)).reason, 'It ran.')
  assert.equal(proved.length, 1)
  await rememberedProof('/bin/sh', prove, file)
  assert.equal(proved.length, 2)
  writeFileSync(file, 'nonsense')
  await rememberedProof('/bin/sh', prove, file)
  assert.equal(proved.length, 3)
})
