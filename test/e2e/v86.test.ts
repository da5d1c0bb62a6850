import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { findV86 } from '../../src/engine/engines/v86/emulator.ts'
import {
  grabScreen,
  type Picture,
  type RunDrive,
  type RunningMachine,
  type RunSpec,
  typeKeys,
  v86Engine,
} from '../../src/engine/index.ts'
import { framesOf, RunReader, runOf } from '../../src/network/index.ts'
import { buildDebian, obstaclesToDebian, recipeHash } from '../../src/sample/index.ts'
import { createDiskFile } from '../../src/system/index.ts'
import { createTesterDisk, testerCd, testerFloppy, testerSector } from './guests/tester.ts'

/** A guest of our own (guests/tester.asm) on the real v86, through the Engine interface. */

const facts = await v86Engine.survey()

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-v86-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function testerDrive(path: string, place: Partial<RunDrive> = {}): RunDrive {
  return { channel: 0, unit: 0, kind: 'disk', disk: { layers: [path], writable: true }, ...place }
}

async function start(t: TestContext, folder: string, change: Partial<RunSpec> = {}) {
  const disk = join(folder, 'tester.vhd')
  if (!existsSync(disk)) createTesterDisk(disk)
  const spec: RunSpec = {
    id: 'tester',
    name: 'Tester',
    runFolder: folder,
    memoryMB: 32,
    videoMemoryMB: 8,
    drives: [testerDrive(disk)],
    floppies: [],
    adapters: [],
    serialPorts: 1,
    sound: true,
    accelerator: 'auto',
    ...change,
  }
  const machine = await v86Engine.start(v86Engine.plan(spec, facts))
  t.after(() => machine.turnOff())
  const events: string[] = []
  machine.events.on('state', (state) => events.push(state))
  machine.events.on('reset', ({ by }) => events.push(`reset by ${by}`))
  machine.events.on('guest-off', () => events.push('guest-off'))
  machine.events.on('error', (error) => events.push(error.code))
  machine.events.on('problem', ({ code, message }) => events.push(`${code}: ${message}`))
  const log = () => readFileSync(join(folder, 'serial0.log'), 'latin1')
  const ready = (count = 1) => until(() => log().split('Tester ready.').length > count, `ready ${count}`)
  const press = (text: string) => typeKeys(machine.consoleSocket, { text })
  return { machine, events, log, ready, press, disk }
}

async function until(condition: () => boolean | Promise<boolean>, what: string, times = 3000): Promise<void> {
  for (let left = times; left > 0; left--) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`waited in vain for: ${what}`)
}

const stopped = (machine: RunningMachine) => until(() => machine.state === 'stopped', 'stopped')

/** The process of the machine that runs now; the tests of a file run one after the other. */
function emulatorPid(): number {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'latin1')
    .trim()
    .split(' ')
    .map(Number)
  return children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('v86/child'))!
}

/** A switch with one port, that keeps what it gets as hexadecimal text. */
async function testSwitch(t: TestContext, path: string) {
  const frames: string[] = []
  const cable = { path, frames, onFrame: (hex: string): void => void frames.push(hex) }
  let socket: Socket | undefined
  const server = createServer((connection) => {
    const reader = new RunReader()
    socket = connection
    connection.on('data', (bytes) =>
      reader.push(bytes, (run) => {
        for (const bytes of framesOf(run)) cable.onFrame(Buffer.from(bytes).toString('hex'))
      }),
    )
    connection.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => {
    socket?.destroy()
    server.close()
  })
  return Object.assign(cable, {
    connected: () => socket !== undefined,
    send: (...all: Uint8Array[]) => socket!.write(runOf(...all)),
  })
}

/** A frame of 400 bytes or so whose content tells its number. */
function frame(to: string, from: string, number: number): Uint8Array {
  const bytes = Buffer.alloc(400 + number, number)
  bytes.write(`${to}${from}88b5`, 'hex')
  return bytes
}

/** The pixels of one 9 x 16 character cell as 16 numbers of 8 bits. */
function glyphAt({ width, rgba }: Picture, row: number, column: number): number[] {
  return Array.from({ length: 16 }, (_, y) => {
    let bits = 0
    for (let x = 0; x < 8; x++)
      bits = (bits << 1) | Number(rgba[((row * 16 + y) * width + column * 9 + x) * 4]! > 0)
    return bits
  })
}

/** The 8 x 16 font that the VGA BIOS loads, found by its glyph of "A" from the line below the top. */
function biosGlyph(character: string): number[] {
  const rom = readFileSync(findV86()!.vgaBios)
  const capitalA = [0x00, 0x00, 0x10, 0x38, 0x6c, 0xc6, 0xc6, 0xfe, 0xc6, 0xc6, 0xc6, 0xc6, 0, 0, 0, 0]
  const font = rom.indexOf(Uint8Array.from(capitalA)) - 0x41 * 16
  return [...rom.subarray(font + character.charCodeAt(0) * 16).subarray(0, 16)]
}

test('it boots, shows its text with the right glyphs, writes to its serial port and takes keys', async (t) => {
  const folder = newFolder(t)
  const { machine, ready, press, log } = await start(t, folder)
  await ready()
  await press('Hello {A}')
  assert.ok(log().endsWith('Hello {A}'))
  const picture = await grabScreen(machine.consoleSocket)
  assert.deepEqual([picture.width, picture.height], [720, 400])
  const lines = [0, 1, 2, 3, 4, 5].map((row) =>
    [...'Hello {A}'].every((character, column) => {
      const seen = glyphAt(picture, row, column)
      return biosGlyph(character).every((bits, line) => bits === seen[line])
    }),
  )
  assert.equal(lines.filter(Boolean).length, 1, 'the typed line is on the screen')
  assert.ok((await machine.cpuSeconds()) > 0)
})

test('serial input reaches the guest of several clients, and its output all of them', async (t) => {
  const folder = newFolder(t)
  const { machine, ready, press } = await start(t, folder)
  await ready()
  const clients = [connect(machine.serialSockets[0]!), connect(machine.serialSockets[0]!)]
  const heard = clients.map((client) => {
    let text = ''
    client.setEncoding('latin1').on('data', (part) => {
      text += part
    })
    return () => text
  })
  t.after(() => clients.map((client) => client.destroy()))
  await until(() => clients.every((client) => !client.connecting), 'connections')
  await press('x')
  await until(() => heard.every((text) => text() === 'x'), 'both clients hear it')
})

test('pause, resume, resets by host and guest, and a triple fault', async (t) => {
  const { machine, events, ready, press, log } = await start(t, newFolder(t))
  await ready()
  await machine.pause()
  assert.equal(machine.state, 'paused')
  await press('z')
  assert.ok(!log().includes('z'))
  await machine.resume()
  await until(() => log().endsWith('z'), 'the key typed meanwhile')
  await machine.reset()
  await ready(2)
  await press('r')
  await ready(3)
  await press('t')
  await ready(4)
  await press('y')
  await until(() => log().endsWith('y'), 'a key after the triple fault')
  assert.deepEqual(events, ['paused', 'running', 'reset by host', 'reset by guest', 'reset by guest'])
})

test('a graphics mode is another size of the same console', async (t) => {
  const { machine, ready, press } = await start(t, newFolder(t))
  await ready()
  await press('g')
  const red = (picture: Picture) =>
    [...picture.rgba.subarray(319 * 4, 321 * 4)].join() === '168,0,0,255,0,0,0,255'
  await until(async () => {
    const picture = await grabScreen(machine.consoleSocket)
    return picture.width === 320 && picture.height === 200 && red(picture)
  }, 'a red line in 320 x 200')
})

test('writes reach the VHD, at any place on the two channels, and survive turning off', async (t) => {
  for (const [channel, unit] of [
    [0, 0],
    [1, 1],
  ] as const) {
    const folder = newFolder(t)
    createTesterDisk(join(folder, 'tester.vhd'))
    const drives = [
      testerDrive(join(folder, 'tester.vhd'), { channel, unit }),
      { channel: 1, unit: 0, kind: 'cd' } as const,
    ]
    const { machine, ready, press, log, disk } = await start(t, folder, { drives })
    await ready()
    await press('ww')
    await until(() => log().split('written').length === 3, 'two writes')
    await machine.turnOff()
    assert.equal(machine.state, 'stopped')
    assert.deepEqual([...testerSector(disk).subarray(0, 2)], [0x5a, 2])
  }
})

test('a read-only disk fails the writes of the guest', async (t) => {
  const folder = newFolder(t)
  const disk = join(folder, 'tester.vhd')
  createTesterDisk(disk)
  const drives = [testerDrive(disk, { disk: { layers: [disk], writable: false } })]
  const { events, ready, press, log } = await start(t, folder, { drives })
  await ready()
  await press('w')
  await until(() => log().includes('w FAILED'), 'the failure')
  assert.equal(testerSector(disk)[0], 0)
  assert.deepEqual(events, [])
})

test('a guest that halts is off', async (t) => {
  const { machine, events, ready, press } = await start(t, newFolder(t))
  await ready()
  // The console may go before the typing is confirmed.
  await press('p').catch(() => {})
  await stopped(machine)
  assert.deepEqual(events, ['guest-off', 'stopped'])
  await assert.rejects(machine.reset(), { kind: 'conflict' })
})

test('a killed emulator is an error and a stopped machine, with its disk as it was flushed', async (t) => {
  const { machine, events, ready, press, log, disk } = await start(t, newFolder(t))
  await ready()
  await press('w')
  await until(() => log().includes('written'), 'the write')
  process.kill(emulatorPid(), 'SIGKILL')
  await stopped(machine)
  assert.deepEqual(events, ['v86-crashed', 'stopped'])
  assert.equal(testerSector(disk)[0], 0x5a)
})

test('a host that cannot store a write pauses the machine; resume tries again', async (t) => {
  const { machine, events, ready, press, log, disk } = await start(t, newFolder(t))
  await ready()
  // The file loses its end while the machine runs: reads of the data fail from now on.
  const whole = readFileSync(disk)
  truncateSync(disk, 2048)
  await machine.reset()
  await until(() => machine.state === 'paused', 'paused')
  assert.equal(events.at(-1), 'paused')
  assert.match(events.at(-2)!, new RegExp(`^paused-by-disk: .*${disk}`))
  writeFileSync(disk, whole)
  await machine.resume()
  await ready(2)
  await press('x')
  assert.ok(log().endsWith('x'))
})

test('a floppy is booted from, and written in place', async (t) => {
  const folder = newFolder(t)
  const image = join(folder, 'tester.vfd')
  writeFileSync(image, testerFloppy())
  const floppies = [{ index: 0, image, writable: true } as const]
  const { machine, ready, press, log } = await start(t, folder, { drives: [], floppies })
  await ready()
  await press('w')
  await until(() => log().includes('w written'), 'the write')
  await machine.turnOff()
  assert.deepEqual([...readFileSync(image).subarray(512, 514)], [0x5a, 1])
})

test('a CD is booted from wherever its drive is, taken out, and put in again', async (t) => {
  const folder = newFolder(t)
  const image = join(folder, 'tester.iso')
  const vhd = join(folder, 'tester.vhd')
  writeFileSync(image, testerCd())
  createTesterDisk(vhd)
  const drives = [testerDrive(vhd), { channel: 0, unit: 1, kind: 'cd', image } as const]
  const { machine, ready, press, log } = await start(t, folder, { drives })
  await ready()
  await press('w')
  await until(() => log().endsWith('w FAILED\r\n'), 'a CD cannot be written')
  await machine.changeCd!(0, 1, undefined)
  await machine.reset()
  await ready(2)
  await press('w')
  await until(() => log().endsWith('w written\r\n'), 'the hard disk can')
  await machine.changeCd!(0, 1, image)
  await machine.reset()
  await ready(3)
  await press('w')
  await until(() => log().endsWith('w FAILED\r\n'), 'the CD is back')
  await assert.rejects(machine.changeCd!(0, 0, image), { kind: 'not-found' })
  await assert.rejects(machine.changeCd!(0, 1, join(folder, 'none.iso')), { kind: 'not-found' })
  const pipe = join(folder, 'pipe.iso')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, folder])
    await assert.rejects(machine.changeCd!(0, 1, path), { code: 'not-a-regular-file', where: { path } })
})

test('two NE2000 cards talk to their switches', async (t) => {
  const folder = newFolder(t)
  const cables = [await testSwitch(t, join(folder, 'a.sock')), await testSwitch(t, join(folder, 'b.sock'))]
  const macs = ['00:03:ff:00:00:0a', '00:03:ff:00:00:0b']
  const adapters = cables.map(({ path }, index) => ({
    index,
    mac: macs[index]!,
    model: 'auto' as const,
    switchSocket: path,
  }))
  const { ready, press } = await start(t, folder, { adapters })
  await ready()
  await until(() => cables.every((cable) => cable.connected()), 'cables')
  await press('n')
  for (const [index, cable] of cables.entries()) {
    const mac = macs[index]!.replaceAll(':', '')
    await until(() => cable.frames.length > 0, `the greeting of card ${index}`)
    assert.match(cable.frames.shift()!, new RegExp(`^ffffffffffff${mac}88b5${index === 0 ? '0003' : '0006'}`))
    const sent = Array.from({ length: 40 }, (_, number) => frame(mac, '020000000001', number))
    cable.send(...sent)
    await until(() => cable.frames.length === sent.length, `all frames back from card ${index}`)
    for (const [number, back] of cable.frames.entries())
      assert.equal(back, Buffer.from(frame('020000000001', mac, number)).toString('hex'))
  }
})

test('the process ends with its server', async (t) => {
  const { machine, ready } = await start(t, newFolder(t))
  await ready()
  const pid = emulatorPid()
  process.kill(pid, 'SIGTERM')
  await stopped(machine)
  assert.ok(!existsSync(`/proc/${pid}`))
})

/**
 * v86's interrupt cascade used to die within a megabyte or two of such a transfer, and the card, the disks and the
 * mouse with it (pic-repair.ts). A real driver, with an interrupt for every frame, is what it takes.
 */
test('Debian sends 20 MB through an NE2000, and the card still answers', async (t) => {
  const source = await debianDisk(t)
  if (source === undefined) return
  const folder = newFolder(t)
  const disk = join(folder, 'debian.vhd')
  createDiskFile(disk, { subformat: 'differencing', parent: source })
  const cable = await testSwitch(t, join(folder, 'a.sock'))
  const mac = '0003ff00000a'
  const { machine, log } = await start(t, folder, {
    memoryMB: 256,
    drives: [{ channel: 0, unit: 0, kind: 'disk', disk: { layers: [disk, source], writable: true } }],
    adapters: [{ index: 0, mac: '00:03:ff:00:00:0a', model: 'auto', switchSocket: cable.path }],
  })
  const port = connect(machine.serialSockets[0]!)
  t.after(() => port.destroy())
  const said = (pattern: RegExp) => until(() => pattern.test(log()), `${pattern} in\n${log()}`, 30_000)
  await said(/login: $/)
  port.write('root\n')
  await said(/Password: $/)
  port.write('vivarium\n')
  await said(/# $/)
  port.write('busybox ip link set eth0 up; busybox ip addr add 10.77.0.2/24 dev eth0; echo is"-"up\n')
  await said(/is-up/)
  let received = 0
  let answers = 0
  cable.onFrame = (hex) => {
    const [type, operation] = [hex.slice(24, 28), hex.slice(40, 44)]
    if (type === '0806' && operation === '0001' && hex.slice(76, 84) === '0a4d0001') {
      cable.send(arp('0002', mac, '0a4d0001', '0a4d0002'))
    } else if (type === '0806' && operation === '0002') {
      answers++
    } else if (type === '0800' && hex.slice(46, 48) === '11') {
      received += hex.length / 2 - 42
      // As TCP would answer: frames that come while others go are what upsets the cascade.
      cable.send(frame('ffffffffffff', '020000000001', 1))
    }
  }
  port.write('dd if=/dev/zero bs=1024 count=20480 >/dev/udp/10.77.0.1/9; echo all"-"sent\n')
  await said(/all-sent/)
  assert.ok(received > 20_000_000, `${received} bytes arrived; ${log().slice(-1500)}`)
  cable.send(arp('0001', 'ffffffffffff', '0a4d0001', '0a4d0002'))
  await until(() => answers > 0, 'the answer to an ARP request')
})

/** An ARP frame of 02:00:00:00:00:01. @source RFC 826. */
function arp(operation: string, to: string, from: string, target: string): Uint8Array {
  const station = '020000000001'
  const wanted = operation === '0001' ? '000000000000' : to
  return Buffer.from(
    `${to}${station}0806000108000604${operation}${station}${from}${wanted}${target}`.padEnd(120, '0'),
    'hex',
  )
}

/** The disk of `vivarium sample debian`, built once for each recipe; undefined where the host cannot. */
async function debianDisk(t: TestContext): Promise<string | undefined> {
  const cache = join(tmpdir(), 'vivarium-test-cache')
  const folder = join(cache, `debian-${recipeHash()}`)
  if (!existsSync(folder)) {
    const missing = obstaclesToDebian()
    if (missing.length > 0) {
      t.skip(`missing here: ${missing.join(', ')}`)
      return undefined
    }
    mkdirSync(cache, { recursive: true })
    const making = mkdtempSync(join(cache, 'making-'))
    await buildDebian(making, { cacheFolder: join(cache, 'packages') })
    renameSync(making, folder)
  }
  return join(folder, 'Debian.vhd')
}
