import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { bootLab } from './boot-lab.ts'
import { GREETING, LINUX, startBootGuest, writeGreetingInitrd } from './guests/boot-guest.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'

/** Machines that boot a Linux from the boot folder: iPXE as a network card's ROM, PXELINUX, menus of either. */

const IPXE_ROM = '/usr/lib/ipxe/qemu/pxe-e1000.rom'
const ARGUMENTS = 'console=ttyS0 quiet'
const TIMEOUT = { timeout: 300_000 }

function missingToBoot(t: TestContext, ...more: readonly string[]): boolean {
  return missingForNamespace(t, IPXE_ROM, LINUX, 'nasm', 'ld', ...more)
}

function putLinux(root: string, folder: string): void {
  copyFileSync(LINUX, join(folder, 'linux'))
  writeGreetingInitrd(root, join(folder, 'initrd.cpio'))
}

const ENTRIES = [
  { title: 'Nothing', file: 'nothing.ipxe' },
  { title: 'Linux', kernel: 'linux', initrd: 'initrd.cpio', arguments: ARGUMENTS },
]

test('iPXE boots Linux over HTTP from the menu that is made for it', TIMEOUT, async (t) => {
  if (missingToBoot(t)) return
  const { root, folder, socket, status } = await bootLab(t, {
    entries: ENTRIES,
    default: 'Linux',
    timeoutSeconds: 1,
  })
  putLinux(root, folder)
  const guest = startBootGuest(t, { socket })
  await guest.says(GREETING)
  const { requests, mode } = (await status()).services.pxe!
  assert.equal(mode, 'dhcp')
  assert.deepEqual(
    requests.map(({ protocol, path, outcome }) => `${protocol} ${path} ${outcome}`),
    ['http /boot.ipxe done', 'http /linux done', 'http /initrd.cpio done'],
  )
})

test('beside another DHCP server it gives no addresses, and machines boot', TIMEOUT, async (t) => {
  if (missingToBoot(t, 'dnsmasq')) return
  const { root, folder, socket, status } = await bootLab(
    t,
    { entries: ENTRIES, default: 'Linux', timeoutSeconds: 0 },
    { address: '10.244.0.1/24' },
  )
  putLinux(root, folder)
  const station = await plugNamespace(t, socket, { setup: 'ip addr add 10.244.0.5/24 dev tap0' })
  const range = '--dhcp-range=10.244.0.100,10.244.0.150'
  station.start(
    'dnsmasq',
    '-d',
    '--port=0',
    '--interface=tap0',
    range,
    '--dhcp-leasefile=/dev/null',
    '-u',
    'root',
  )
  await startBootGuest(t, { socket }).says(GREETING)
  const { requests, mode } = (await status()).services.pxe!
  assert.equal(mode, 'proxy')
  assert.match(requests[0]!.client, /^10\.244\.0\.1[0-5]\d$/)
})

const PXELINUX_CONFIG = `serial 0
default linux
label linux
  kernel linux
  append initrd=initrd.cpio ${ARGUMENTS}
`

test('PXELINUX loads all it needs by TFTP, its own parts from the host’s package', TIMEOUT, async (t) => {
  if (missingToBoot(t, '/usr/lib/PXELINUX/pxelinux.0', '/usr/lib/syslinux/modules/bios/ldlinux.c32')) return
  const { root, folder, socket, status } = await bootLab(t, {})
  putLinux(root, folder)
  mkdirSync(join(folder, 'pxelinux.cfg'))
  writeFileSync(join(folder, 'pxelinux.cfg/default'), PXELINUX_CONFIG)
  await startBootGuest(t, { socket }).says(GREETING)
  const { requests } = (await status()).services.pxe!
  for (const path of ['pxelinux.0', 'ldlinux.c32', 'pxelinux.cfg/default', 'linux', 'initrd.cpio'])
    assert.ok(
      requests.some((request) => request.path.endsWith(path) && request.outcome === 'done'),
      path,
    )
})

test('the ROM’s own menu: an item is chosen, and its file asked for at port 4011', TIMEOUT, async (t) => {
  if (missingToBoot(t)) return
  const { root, folder, socket, status } = await bootLab(t, {
    romMenu: {
      prompt: 'Press F8',
      timeoutSeconds: 1,
      items: [{ title: 'Greeting', file: 'menu/greet.ipxe' }, { title: 'Local disk' }],
    },
  })
  putLinux(root, folder)
  mkdirSync(join(folder, 'menu'))
  writeFileSync(
    join(folder, 'menu/greet.ipxe'),
    `#!ipxe\nkernel ../linux ${ARGUMENTS}\ninitrd ../initrd.cpio\nboot\n`,
  )
  await startBootGuest(t, { socket }).says(GREETING)
  const { requests } = (await status()).services.pxe!
  assert.ok(requests.some(({ path }) => path.endsWith('menu/greet.ipxe')))
})

test('a link to the installer’s folder is not followed out of the boot folder', TIMEOUT, async (t) => {
  if (missingToBoot(t)) return
  const { folder, socket, status } = await bootLab(t, {
    entries: ENTRIES,
    default: 'Linux',
    timeoutSeconds: 0,
  })
  symlinkSync(LINUX, join(folder, 'linux'))
  startBootGuest(t, { socket })
  for (;;) {
    const refused = (await status()).services.pxe!.requests.find(({ path }) => path === '/linux')
    if (refused === undefined) await delay(100)
    else return assert.equal(refused.outcome, 'not-found')
  }
})
