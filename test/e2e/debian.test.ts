import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { MiB } from '../../src/base/index.ts'
import { type Engine, engines, grabScreen, type RunAdapter, startSwitch } from '../../src/engine/index.ts'
import { buildDebian, obstaclesToDebian, type SampleDiskType } from '../../src/sample/index.ts'
import { createDiskFile, inspectDisk, openDiskFile } from '../../src/system/index.ts'
import { builtDebian, debianCache } from './built-debian.ts'

/**
 * A real Debian, built from its packages once for each recipe and kept in the system's temporary folder, boots to
 * its login on both engines from each kind of VHD. The other kinds are copies of the one that was built.
 */

async function until(condition: () => boolean, what: () => string): Promise<void> {
  // Three minutes: a busy machine may take its time, a guest that hangs must not outlive the test.
  for (let left = 1800; left > 0; left--) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.fail(`waited in vain for: ${what()}`)
}

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-deb-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A disk of the wanted kind with the content of `source`, in `folder`. */
function diskOf(type: SampleDiskType, source: string, folder: string): string[] {
  const path = join(folder, `${type}.vhd`)
  if (type === 'differencing') {
    createDiskFile(path, { subformat: type, parent: source })
    return [path, source]
  }
  const from = openDiskFile(source)
  try {
    createDiskFile(path, { subformat: type, sizeBytes: from.sizeBytes })
    const to = openDiskFile(path, { writable: true })
    try {
      for (const { offset, length, kind } of from.extents(0, from.sizeBytes)) {
        if (kind === 'zero') continue
        for (let at = offset; at < offset + length; at += MiB) {
          const bytes = new Uint8Array(Math.min(MiB, offset + length - at))
          from.read(at, bytes)
          to.write(at, bytes)
        }
      }
      to.flush()
    } finally {
      to.close()
    }
  } finally {
    from.close()
  }
  return [path]
}

interface BootOptions {
  readonly layers: readonly string[]
  readonly adapters?: readonly RunAdapter[]
}

async function boot(t: TestContext, engine: Engine, { layers, adapters = [] }: BootOptions) {
  const runFolder = newFolder(t)
  const spec = {
    id: 'debian',
    name: 'Debian',
    runFolder,
    memoryMB: 256,
    videoMemoryMB: 8,
    drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers, writable: true } }],
    floppies: [],
    adapters,
    serialPorts: 1,
    sound: false,
    accelerator: 'tcg',
  } as const
  const machine = await engine.start(engine.plan(spec, await engine.survey()))
  t.after(() => machine.turnOff())
  const log = () => readFileSync(join(runFolder, 'serial0.log'), 'latin1')
  const hears = (pattern: RegExp) =>
    until(
      () => pattern.test(log()),
      () => `${pattern} in\n${log()}`,
    )
  await hears(/vivarium-debian login: /)
  return { machine, log, hears }
}

async function signIn(t: TestContext, { machine, hears }: Awaited<ReturnType<typeof boot>>) {
  const port = connect(machine.serialSockets[0]!)
  t.after(() => port.destroy())
  port.write('root\n')
  await hears(/Password: /)
  port.write('vivarium\n')
  await hears(/root@vivarium-debian:~# /)
  return (line: string) => port.write(`${line}\n`)
}

async function digest(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part)
  return hash.digest('hex')
}

async function startNetwork(t: TestContext): Promise<string> {
  const dhcp = { network: '10.9.0.0', mask: '255.255.255.0' }
  const client = await startSwitch({
    socketFolder: newFolder(t),
    networks: [{ name: 'Internal Network', key: 'internal', dhcp }],
  })
  t.after(() => client.stop())
  return client.socketOf('internal')
}

test('the disk has a FAT partition to start from and a Linux one, and no problems', async (t) => {
  const disk = await builtDebian(t)
  if (disk === undefined) return
  const report = inspectDisk(disk)
  assert.deepEqual(report.problems, [])
  assert.deepEqual(
    report.partitions.map(({ active, fileSystem, label }) => [active, fileSystem, label]),
    [
      [true, 'FAT16', 'VIVARIUM'],
      [false, 'ext4', 'vivarium-root'],
    ],
  )
  assert.ok(report.virtualSize < 400 * MiB)
  assert.ok(report.allocated < 160 * MiB, `${report.allocated} bytes`)
})

test('a cancelled build leaves nothing behind', async (t) => {
  const missing = obstaclesToDebian()
  if (missing.length > 0) return t.skip(`missing here: ${missing.join(', ')}`)
  const folder = newFolder(t)
  const temporary = () =>
    readdirSync(tmpdir()).filter((name) => /^(mmdebstrap\.|vivarium-debian-)/.test(name))
  const before = temporary()
  const controller = new AbortController()
  const onProgress = (percent: number) => {
    if (percent >= 14) controller.abort()
  }
  const build = buildDebian(folder, {
    cacheFolder: join(debianCache, 'packages'),
    signal: controller.signal,
    onProgress,
  })
  await assert.rejects(build, { name: 'AbortError' })
  assert.deepEqual(readdirSync(folder), [])
  assert.deepEqual(temporary(), before)
})

/** Whether the files of the disk's topmost layer hold the text: what the guest wrote, as the host sees it. */
function stores(layers: readonly string[], text: string): boolean {
  const disk = openDiskFile(layers[0]!)
  try {
    for (const { offset, length, kind, layer } of disk.extents(0, disk.sizeBytes)) {
      if (kind !== 'data' || layer !== 0) continue
      const bytes = Buffer.alloc(length)
      disk.read(offset, bytes)
      if (bytes.includes(text)) return true
    }
    return false
  } finally {
    disk.close()
  }
}

for (const engine of engines) {
  for (const type of ['fixed', 'dynamic', 'differencing'] as const) {
    test(`on ${engine.name}, Debian boots to its login from a ${type} VHD and keeps a file on it`, async (t) => {
      const { available, reason } = await engine.survey()
      if (!available) return t.skip(reason)
      const source = await builtDebian(t)
      if (source === undefined) return
      const before = await digest(source)
      const layers = diskOf(type, source, newFolder(t))
      const adapter = { index: 0, mac: '00:03:ff:64:65:62', model: 'auto' } as const
      const adapters = [{ ...adapter, switchSocket: await startNetwork(t) }]
      const booted = await boot(t, engine, { layers, adapters })
      const { rgba } = await grabScreen(booted.machine.consoleSocket)
      assert.ok(
        rgba.some((value, index) => index % 4 !== 3 && value > 0),
        'the screen is not black',
      )

      const enter = await signIn(t, booted)
      enter('uname -m; echo kept-$((6 * 7)) > /root/kept; sync; echo synced-$?')
      await booted.hears(/[\r\n]i[56]86\r\nsynced-0\r\n/)
      enter('until busybox ip -4 addr show dev eth0 | grep -o "inet [0-9.]*"; do sleep 1; done')
      await booted.hears(/[\r\n]inet 10\.9\.0\.16\r\n/)
      if (type === 'differencing') {
        enter('busybox poweroff')
        await until(
          () => booted.machine.state === 'stopped',
          () => 'stopped',
        )
      } else await booted.machine.turnOff()

      assert.ok(stores(layers, 'kept-42\n'), 'the file is on the disk')
      assert.equal(await digest(source), before, 'what lies below is never written')
    })
  }
}
