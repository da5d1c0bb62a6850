import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  type AdapterModel,
  type Engine,
  engines,
  grabScreen,
  type RunAdapter,
  type RunningMachine,
  startSwitch,
  typeKeys,
} from '../../src/engine/index.ts'
import { buildHello } from '../../src/sample/index.ts'
import { inspectDisk, inspectMachineFile } from '../../src/system/index.ts'

/** Hello as a newcomer meets it: built by our own code, started on each engine, on a network with our DHCP server. */

const MAC = '00:03:ff:48:65:6c'

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-hello-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function until(condition: () => boolean, what: () => string): Promise<void> {
  for (let left = 1500; left > 0; left--) {
    if (condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`waited in vain for: ${what()}`)
}

interface Started {
  readonly machine: RunningMachine
  readonly log: () => string
  /** Resolves when the serial output matches. */
  readonly hears: (pattern: RegExp) => Promise<void>
}

async function start(
  t: TestContext,
  engine: Engine,
  adapters: readonly RunAdapter[],
): Promise<Started | undefined> {
  const facts = await engine.survey()
  if (!facts.available) {
    t.skip(facts.reason)
    return undefined
  }
  const runFolder = newFolder(t)
  const { vhdPaths } = await buildHello(runFolder)
  const plan = engine.plan(
    {
      id: 'hello',
      name: 'Hello',
      runFolder,
      memoryMB: 32,
      videoMemoryMB: 8,
      drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers: vhdPaths, writable: true } }],
      floppies: [],
      adapters,
      serialPorts: 1,
      sound: false,
      accelerator: 'tcg',
    },
    facts,
  )
  const machine = await engine.start(plan)
  t.after(() => machine.turnOff())
  const log = () => readFileSync(join(runFolder, 'serial0.log'), 'latin1')
  return {
    machine,
    log,
    hears: (pattern) =>
      until(
        () => pattern.test(log()),
        () => `${pattern} in\n${log()}`,
      ),
  }
}

async function startNetwork(t: TestContext): Promise<string> {
  const client = await startSwitch({
    socketFolder: newFolder(t),
    networks: [
      {
        name: 'Internal Network',
        key: 'internal',
        dhcp: { network: '10.9.0.0', mask: '255.255.255.0', gateway: '10.9.0.1', leaseSeconds: 3600 },
      },
    ],
  })
  t.after(() => client.stop())
  return client.socketOf('internal')
}

test('the disk has one active partition and no problems, the machine file none either', async (t) => {
  const { vmcPath, vhdPaths } = await buildHello(newFolder(t))
  const disk = inspectDisk(vhdPaths[0]!)
  assert.deepEqual(disk.problems, [])
  assert.deepEqual(
    disk.partitions.map(({ active, offset }) => [active, offset]),
    [[true, 63 * 512]],
  )
  const machine = inspectMachineFile(vmcPath)
  assert.deepEqual(machine.problems, [])
})

for (const engine of engines) {
  test(`on ${engine.name}, Hello shows its hardware and echoes keys from keyboard and COM1`, async (t) => {
    const started = await start(t, engine, [])
    if (started === undefined) return
    const { machine, hears, log } = started
    await hears(/hello> $/)
    for (const line of [
      /^Hello from Vivarium\r$/m,
      /^Processor GenuineIntel, family \d+ model \d+/m,
      /^Memory {4}32 MB, \d\d,\d\d\d KB of it/m,
      /^Disk 80h {2}16 MB, 32,\d\d\d sectors, we started from it\r$/m,
      /^Floppy {4}/m,
      /^Ports {5}COM1 03f8h/m,
      /^Clock {5}20\d\d-\d\d-\d\d \d\d:\d\d\r$/m,
      /^PCI 00.0 {2}8086:1237 Intel 82441FX memory controller\r$/m,
      /^PCI [0-9a-f]+\.[01] {2}8086:7010 Intel PIIX3 IDE controller\r$/m,
      /^Network {3}no card that Hello can drive/m,
    ])
      assert.match(log(), line)
    await typeKeys(machine.consoleSocket, { text: 'abx\bc\n' })
    await hears(/You typed abc\. /)
    const port = connect(machine.serialSockets[0]!)
    t.after(() => port.destroy())
    port.write('from COM1\r')
    await hears(/hello> from COM1\r\nYou typed from COM1\. /)
    const picture = await grabScreen(machine.consoleSocket)
    assert.deepEqual([picture.width, picture.height], [720, 400])
    assert.deepEqual([...picture.rgba.subarray(0, 3)], [0, 0, 168], 'the blue of the banner')
  })

  test(`on ${engine.name}, Hello reboots and switches itself off`, async (t) => {
    const started = await start(t, engine, [])
    if (started === undefined) return
    const { machine, hears } = started
    await hears(/hello> $/)
    await typeKeys(machine.consoleSocket, { text: 'reboot\n' })
    await hears(/hello> reboot[\s\S]*Hello from Vivarium[\s\S]*hello> $/)
    await typeKeys(machine.consoleSocket, { text: 'off\n' }).catch(() => {})
    await until(
      () => machine.state === 'stopped',
      () => 'stopped',
    )
  })
}

const CARDS: readonly (readonly [Engine['name'], AdapterModel | 'auto'])[] = [
  ['v86', 'auto'],
  ['qemu', 'auto'],
  ['qemu', 'ne2k'],
]

for (const [name, model] of CARDS) {
  test(`on ${name}, Hello gets a lease with the ${model} card and keeps listening to the keyboard`, async (t) => {
    const switchSocket = await startNetwork(t)
    const engine = engines.find((engine) => engine.name === name)!
    const started = await start(t, engine, [{ index: 0, mac: MAC, model, switchSocket }])
    if (started === undefined) return
    const { machine, hears, log } = started
    await hears(/Lease {5}10\.9\.0\.16 mask 255\.255\.255\.0, gateway 10\.9\.0\.1, names none\r\n/)
    await hears(/from server 10\.9\.0\.1 for 3,600 seconds\r\nhello> $/)
    assert.match(log(), new RegExp(`address ${MAC}`))
    await typeKeys(machine.consoleSocket, { text: 'dhcp\n' })
    await hears(/Lease[\s\S]*hello> dhcp[\s\S]*Lease {5}10\.9\.0\.16/)
  })
}

test('when nobody answers, Hello says so and goes on', async (t) => {
  const [engine] = engines.filter((engine) => engine.name === 'v86')
  const started = await start(t, engine!, [{ index: 0, mac: MAC, model: 'auto' }])
  if (started === undefined) return
  const { machine, hears } = started
  await hears(/asking for an address/)
  await typeKeys(machine.consoleSocket, { text: 'still here' })
  await hears(/hello> still here/)
  await hears(/No DHCP server answers; I keep asking in the background\.\r\nhello> still here$/)
})
