import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bootLab } from './boot-lab.ts'
import { GREETING, startBootGuest } from './guests/boot-guest.ts'
import { missingForNamespace } from './namespace.ts'

/** Machines with UEFI: the firmware's own client takes another boot program than a BIOS, and the same menu. */

const FIRMWARE = '/usr/share/OVMF/OVMF_CODE_4M.fd'
const VARIABLES = '/usr/share/OVMF/OVMF_VARS_4M.fd'
const BOOT_PROGRAM = '/usr/lib/ipxe/snponly.efi'
const TIMEOUT = { timeout: 600_000 }

/** A network whose menu has one entry, a script that greets. */
async function greetingLab(t: TestContext) {
  const lab = await bootLab(t, { entries: [{ title: 'Greeting', file: 'greet.ipxe' }], timeoutSeconds: 0 })
  writeFileSync(join(lab.folder, 'greet.ipxe'), `#!ipxe\necho ${GREETING}\npoweroff\n`)
  return lab
}

/** @param settings of the firmware, as its builds for QEMU take them */
function startUefiGuest(t: TestContext, root: string, socket: string, settings: Record<string, string> = {}) {
  const variables = join(root, 'variables.fd')
  copyFileSync(VARIABLES, variables)
  return startBootGuest(t, {
    ...{ socket, memoryMb: 256, timeoutMs: 500_000 },
    program: 'qemu-system-x86_64',
    // The firmware has a driver for this card; with the card's own ROM it would be iPXE that asks.
    card: 'virtio-net-pci,romfile=',
    more: [
      ...['-drive', `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`],
      ...['-drive', `if=pflash,format=raw,file=${variables}`],
      ...Object.entries(settings).flatMap(([name, value]) => [
        '-fw_cfg',
        `name=opt/org.tianocore/${name},string=${value}`,
      ]),
    ],
  })
}

/** What was served whole, in its order. (The firmware asks for a file's size with a transfer of its own.) */
async function loaded(status: Awaited<ReturnType<typeof bootLab>>['status']): Promise<string[]> {
  const { requests } = (await status()).services.pxe!
  const served = requests.filter(({ outcome }) => outcome === 'done')
  return [...new Set(served.map(({ protocol, path }) => `${protocol} ${path}`))]
}

test(
  'a machine with UEFI loads the boot program of its architecture, and the menu with it',
  TIMEOUT,
  async (t) => {
    if (missingForNamespace(t, FIRMWARE, BOOT_PROGRAM, 'qemu-system-x86_64')) return
    const { root, socket, status } = await greetingLab(t)
    await startUefiGuest(t, root, socket).says(GREETING)
    assert.deepEqual(await loaded(status), ['tftp snponly.efi', 'http /boot.ipxe', 'http /greet.ipxe'])
  },
)

test('a machine with UEFI that boots by HTTP gets the same program as a URL', TIMEOUT, async (t) => {
  if (missingForNamespace(t, FIRMWARE, BOOT_PROGRAM, 'qemu-system-x86_64')) return
  const { root, socket, status } = await greetingLab(t)
  await startUefiGuest(t, root, socket, { IPv4PXESupport: 'n', IPv6PXESupport: 'n' }).says(GREETING)
  assert.deepEqual(await loaded(status), ['http /snponly.efi', 'http /boot.ipxe', 'http /greet.ipxe'])
})
