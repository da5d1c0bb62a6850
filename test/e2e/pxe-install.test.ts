import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { engines } from '../../src/engine/index.ts'
import { createDiskFile, inspectDisk } from '../../src/system/index.ts'
import { bootLab } from './boot-lab.ts'
import { LINUX } from './guests/boot-guest.ts'
import { installerTree } from './installer-tree.ts'
import { missingForNamespace } from './namespace.ts'

/**
 * What Remote Installation Services was for: an empty machine becomes a Debian with nobody at it. Debian's installer
 * comes over the network, takes its answers (preseed) and its components from the boot folder, and installs Debian
 * package by package from the archive that lies there too. Then the machine starts from its own disk. That is too long
 * for every day; pxe-debian.test.ts has the same installer write an image.
 */

/** As docs/networks/install.md has it. */
const ARGUMENTS =
  'console=ttyS0 TERM=dumb DEBIAN_FRONTEND=text nomodeset ipv6.disable=1 auto=true priority=critical ' +
  'locale=en_US.UTF-8 hw-detect/load_firmware=false url=http://10.244.0.1/preseed.cfg hostname=lab domain=example'

const GiB = 2 ** 30
const IPXE_ROM = '/usr/lib/ipxe/qemu/pxe-e1000.rom'
/** A busy machine may take its time. */
const TIMEOUT = { timeout: 5_400_000 }

/** A machine of one disk, which is empty, and one network adapter; its serial port is where it is watched. */
async function startMachine(t: TestContext, root: string, switchSocket: string, disk: string) {
  const engine = engines.find(({ name }) => name === 'qemu')!
  const runFolder = join(root, 'run')
  mkdirSync(runFolder, { mode: 0o700 })
  const spec = {
    ...{ id: 'lab', name: 'Lab', runFolder, memoryMB: 512, videoMemoryMB: 4, floppies: [], sound: false },
    serialPorts: 1,
    accelerator: 'auto',
    drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers: [disk], writable: true } }],
    // Of the cards that have a boot ROM, the one whose driver the installer starts with.
    adapters: [{ index: 0, mac: '00:03:ff:00:00:01', model: 'e1000', switchSocket }],
  } as const
  const machine = await engine.start(engine.plan(spec, await engine.survey()))
  t.after(() => machine.turnOff())
  return { machine, log: () => readFileSync(join(runFolder, 'serial0.log'), 'latin1') }
}

async function hears({ machine, log }: Awaited<ReturnType<typeof startMachine>>, text: RegExp) {
  while (!text.test(log())) {
    assert.equal(machine.state, 'running', log().slice(-4000))
    await delay(200)
  }
}

async function types(running: Awaited<ReturnType<typeof startMachine>>, lines: readonly [string, RegExp][]) {
  const port = connect(running.machine.serialSockets[0]!)
  try {
    for (const [line, answer] of lines) {
      port.write(`${line}\n`)
      await hears(running, answer)
    }
  } finally {
    port.destroy()
  }
}

test(
  'Debian’s installer, unattended, installs a machine from an archive in the boot folder',
  TIMEOUT,
  async (t) => {
    if (process.env.VIVARIUM_FULL_INSTALL !== '1')
      return t.skip('only with VIVARIUM_FULL_INSTALL=1: it takes a quarter of an hour without KVM')
    if (missingForNamespace(t, LINUX, IPXE_ROM, 'apt-get', 'dpkg-deb')) return
    const kernel = { title: 'Install Debian', kernel: 'installer/linux', initrd: 'installer/initrd.gz' }
    const pxe = { entries: [{ ...kernel, arguments: ARGUMENTS }], timeoutSeconds: 0 }
    // Without a way out and names the installer would ask a person.
    const lab = await bootLab(t, pxe, { dhcp: { gateway: '10.244.0.1' }, dns: {} })
    cpSync(await installerTree(), lab.folder, { recursive: true })
    const disk = join(lab.root, 'disk.vhd')
    createDiskFile(disk, { subformat: 'dynamic', sizeBytes: GiB })

    const running = await startMachine(t, lab.root, lab.socket, disk)
    await hears(running, /base-system: installed/)
    const { requests } = (await lab.status()).services.pxe!
    assert.ok(
      requests.some(({ path, outcome }) => /^\/debian\/pool\/linux-image-6/.test(path) && outcome === 'done'),
    )

    // It restarts by itself, now from its disk, which comes before the network.
    await hears(running, /lab login: /)
    const packages = readdirSync(join(lab.folder, 'debian/pool')).filter((name) => name.endsWith('.deb'))
    await types(running, [
      ['root', /Password: /],
      ['vivarium', /root@lab:~# /],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg-query
      ["dpkg-query -W -f '${Status}\\n' | sort | uniq -c; echo listed-$?", /listed-0/],
      [
        "grep -o 'in-target: Setting up linux-image-6[^ ]*' /var/log/installer/syslog; echo read-$?",
        /read-0/,
      ],
    ])
    assert.match(running.log(), new RegExp(`[\\r\\n] +${packages.length} install ok installed\\r\\nlisted-0`))
    await running.machine.turnOff()
    assert.deepEqual(
      inspectDisk(disk).partitions.map(({ active, fileSystem, label }) => [active, fileSystem, label]),
      [[true, 'ext2', 'root']],
    )
  },
)
