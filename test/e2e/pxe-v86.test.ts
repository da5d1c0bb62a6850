import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { v86Engine } from '../../src/engine/index.ts'
import { bootLab } from './boot-lab.ts'
import { GREETING, LINUX, writeGreetingInitrd } from './guests/boot-guest.ts'
import { missingForNamespace } from './namespace.ts'

/** iPXE as Debian's package has it, on a CD: v86's BIOS loads it, and its NE2000 does the rest. */
const IPXE_CD = '/usr/lib/ipxe/ipxe.iso'

test('v86’s NE2000 guest boots a Linux from the network', { timeout: 300_000 }, async (t) => {
  if (missingForNamespace(t, IPXE_CD, LINUX, 'nasm', 'ld')) return
  const lab = await bootLab(t, {
    entries: [{ title: 'Linux', kernel: 'linux', initrd: 'initrd.cpio', arguments: 'console=ttyS0 quiet' }],
    timeoutSeconds: 0,
  })
  copyFileSync(LINUX, join(lab.folder, 'linux'))
  writeGreetingInitrd(lab.root, join(lab.folder, 'initrd.cpio'))
  const runFolder = join(lab.root, 'run')
  mkdirSync(runFolder)
  const plan = v86Engine.plan(
    {
      id: 'netboot',
      name: 'Netboot',
      runFolder,
      memoryMB: 128,
      videoMemoryMB: 8,
      drives: [{ channel: 1, unit: 0, kind: 'cd', image: IPXE_CD }],
      floppies: [],
      adapters: [{ index: 0, mac: '00:03:ff:00:00:0b', model: 'ne2k', switchSocket: lab.socket }],
      serialPorts: 1,
      sound: false,
      accelerator: 'auto',
    },
    await v86Engine.survey(),
  )
  const machine = await v86Engine.start(plan)
  t.after(() => machine.turnOff())
  const log = join(runFolder, 'serial0.log')
  const said = () => (existsSync(log) ? readFileSync(log, 'latin1') : '')
  while (!said().includes(GREETING)) {
    assert.equal(machine.state, 'running', said())
    await delay(100)
  }
  const { requests } = (await lab.status()).services.pxe!
  assert.deepEqual(
    requests.map(({ path, outcome }) => `${path} ${outcome}`),
    ['/boot.ipxe done', '/linux done', '/initrd.cpio done'],
  )
})
