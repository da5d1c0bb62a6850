import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync, createWriteStream, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { createGzip } from 'node:zlib'
import { openDiskFile } from '../../src/system/index.ts'
import { bootLab } from './boot-lab.ts'
import { builtDebian } from './built-debian.ts'
import { LINUX, startBootGuest } from './guests/boot-guest.ts'
import { missingForNamespace } from './namespace.ts'

/**
 * What Remote Installation Services was for: an empty machine becomes a Debian with nobody at it. Debian's installer
 * comes over the network, reads its answers (preseed) from the boot folder, and puts a Debian on the disk that lies
 * there too, as an image. pxe-install.test.ts installs it package by package, which takes up to an hour here.
 */
const INSTALLER = dirname(LINUX)
const IMAGE = 'debian.img.gz'
const INSTALLED = 'the disk is written'

const ANSWERS = `d-i preseed/early_command string \\
  until [ -b /dev/sda ]; do modprobe usb-storage; modprobe sd_mod; sleep 1; done; \\
  wget -q -O - http://10.244.0.1/${IMAGE} | gunzip -c | dd of=/dev/sda bs=1048576 && sync && \\
  echo ${INSTALLED} > /dev/ttyS0; poweroff -f
`

/** The content of a disk, as it would be on a real one. */
async function writeImage(disk: string, path: string): Promise<number> {
  const source = openDiskFile(disk)
  try {
    const pieces = function* () {
      for (let at = 0; at < source.sizeBytes; at += 1 << 20) {
        const bytes = new Uint8Array(Math.min(1 << 20, source.sizeBytes - at))
        source.read(at, bytes)
        yield bytes
      }
    }
    await pipeline(Readable.from(pieces()), createGzip({ level: 1 }), createWriteStream(path))
    return source.sizeBytes
  } finally {
    source.close()
  }
}

test('Debian’s installer, unattended, makes a machine that boots', { timeout: 900_000 }, async (t) => {
  if (missingForNamespace(t, LINUX, '/usr/lib/ipxe/qemu/pxe-e1000.rom')) return
  const built = await builtDebian(t)
  if (built === undefined) return
  const pxe = {
    entries: [
      {
        title: 'Install Debian',
        kernel: 'installer/linux',
        initrd: 'installer/initrd.gz',
        arguments:
          'console=ttyS0 auto=true priority=critical url=http://10.244.0.1/preseed.cfg hostname=lab domain=example',
      },
    ],
    timeoutSeconds: 0,
  }
  // Without a way out and names the installer would ask a person.
  const lab = await bootLab(t, pxe, { dhcp: { gateway: '10.244.0.1' }, dns: {} })
  mkdirSync(join(lab.folder, 'installer'))
  for (const file of ['linux', 'initrd.gz'])
    copyFileSync(join(INSTALLER, file), join(lab.folder, 'installer', file))
  writeFileSync(join(lab.folder, 'preseed.cfg'), ANSWERS)
  const sizeBytes = await writeImage(built, join(lab.folder, IMAGE))
  const disk = join(lab.root, 'disk.img')
  writeFileSync(disk, '')
  truncateSync(disk, sizeBytes)

  // The installer's first part has drivers for USB disks alone; those for others it would load as packages.
  const installing = startBootGuest(t, {
    socket: lab.socket,
    memoryMb: 512,
    timeoutMs: 480_000,
    more: [
      ...['-drive', `if=none,id=d,format=raw,file=${disk}`],
      ...['-device', 'usb-ehci', '-device', 'usb-storage,drive=d'],
    ],
  })
  await installing.says(INSTALLED)
  // It turns itself off. Until it has ended, the disk is its own.
  if (installing.process.exitCode === null) await once(installing.process, 'exit')
  const { requests } = (await lab.status()).services.pxe!
  assert.deepEqual(
    requests.map(({ path, outcome }) => `${path} ${outcome}`),
    ['/boot.ipxe', '/installer/linux', '/installer/initrd.gz', '/preseed.cfg', `/${IMAGE}`].map(
      (path) => `${path} done`,
    ),
  )

  const installed = startBootGuest(t, {
    socket: lab.socket,
    timeoutMs: 240_000,
    more: ['-boot', 'c', '-drive', `if=ide,format=raw,file=${disk}`],
  })
  await installed.says(/login:/)
})
