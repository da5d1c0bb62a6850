import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseAdoption } from './adoption.ts'
import { kvmGuest } from './kvm-guest.ts'
import { boundLog, lastWords } from './log.ts'
import { findProgram, modelsIn, surveyQemu, versionIn } from './survey.ts'

const noKvm = async () => ({ name: 'kvm', usable: false, reason: 'Not asked.' }) as const

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'viv-survey-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

/** A small real program that answers as the text says. */
function program(path: string, answers: string): string {
  writeFileSync(path, `#!/bin/sh\n${answers}\n`)
  chmodSync(path, 0o755)
  return path
}

test('the program: in PATH, the smaller one first; or as the variable says', (t) => {
  const here = folder(t)
  assert.equal(findProgram({ PATH: here }), undefined)
  const big = program(join(here, 'qemu-system-x86_64'), '')
  assert.equal(findProgram({ PATH: `/nowhere:${here}` }), big)
  const small = program(join(here, 'qemu-system-i386'), '')
  assert.equal(findProgram({ PATH: here }), small)
  assert.equal(findProgram({ PATH: here, VIVARIUM_QEMU: big }), big)
  assert.equal(findProgram({ PATH: here, VIVARIUM_QEMU: 'qemu-system-x86_64' }), big)
  assert.equal(findProgram({ PATH: here, VIVARIUM_QEMU: here }), undefined)
})

test('what is missing is said in one sentence, with what to do', async (t) => {
  const here = folder(t)
  const reasonOf = async (environment: Record<string, string>) => {
    const facts = await surveyQemu(environment, noKvm)
    assert.equal(facts.available, false)
    return facts.reason
  }
  assert.equal(
    await reasonOf({ PATH: here }),
    'QEMU is not installed. On Debian or Ubuntu: apt install qemu-system-x86.',
  )
  assert.equal(
    await reasonOf({ VIVARIUM_QEMU: '/no/qemu' }),
    'VIVARIUM_QEMU names /no/qemu, and there is no such program.',
  )
  const other = program(join(here, 'other'), 'echo hello')
  assert.match(await reasonOf({ VIVARIUM_QEMU: other }), /does not say which version of QEMU it is/)
  const old = program(join(here, 'old'), 'echo "QEMU emulator version 5.2.0 (Debian)"')
  assert.equal(await reasonOf({ VIVARIUM_QEMU: old }), 'QEMU 5.2.0 is too old: Vivarium needs 7.2 or newer.')
  const bare = program(
    join(here, 'bare'),
    'case "$1" in -version) echo "QEMU emulator version 8.0.1";; *) echo "-sandbox: not built in" >&2; exit 1;; esac',
  )
  assert.equal(
    await reasonOf({ VIVARIUM_QEMU: bare }),
    'QEMU 8.0.1 does not list its devices: -sandbox: not built in',
  )
})

test('version and models are read from what QEMU prints', () => {
  assert.equal(versionIn('QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)\nCopyright'), '7.2.22')
  assert.equal(versionIn('QEMU emulator version 10.0.2'), '10.0.2')
  assert.equal(versionIn('something else'), undefined)
  const help =
    'Network devices:\nname "tulip", bus PCI\nname "ne2k_pci", bus PCI\nname "virtio-net-pci", bus PCI, alias "virtio-net"\n'
  assert.deepEqual(modelsIn(help), ['tulip', 'ne2k', 'virtio'])
})

test('the KVM guest is one bootable sector', () => {
  const sector = kvmGuest()
  assert.equal(sector.length, 512)
  assert.deepEqual([...sector.subarray(510)], [0x55, 0xaa])
  // lgdt loads from 0x7c98, which says: 24 bytes at 0x7c80.
  assert.deepEqual([...sector.subarray(0x98, 0x9e)], [0x17, 0, 0x80, 0x7c, 0, 0])
})

test('a log is cut to its end, and its last words are without warnings', (t) => {
  const log = join(folder(t), 'qemu.log')
  assert.equal(lastWords(log), '')
  writeFileSync(
    log,
    'qemu-system-i386: warning: hub 0 is not connected\nqemu-system-i386: -device nix: no such device\n',
  )
  assert.equal(lastWords(log), '-device nix: no such device')
  boundLog(log)
  assert.equal(lastWords(log), '-device nix: no such device')
  writeFileSync(log, `${'x'.repeat(79)}\n`.repeat(60_000))
  boundLog(log)
  assert.equal(lastWords(log, 1).length, 79)
  boundLog(join(log, 'nowhere'))
})

test('an adoption record is itself after JSON; anything else is none', () => {
  const record = {
    engine: 'qemu',
    qemu: { pid: 12, startTicks: 345 },
    disks: { runFolder: '/run/m1', identity: { pid: 13, startTicks: 346 }, exportNames: ['ide-0-0'] },
    accelerator: 'tcg',
    startedAt: new Date(0).toISOString(),
  }
  assert.deepEqual(parseAdoption(JSON.parse(JSON.stringify(record))), record)
  for (const wrong of [
    undefined,
    null,
    'x',
    {},
    { ...record, qemu: { pid: -1 } },
    { ...record, engine: 'v86' },
  ]) {
    assert.equal(parseAdoption(wrong), undefined)
  }
})
