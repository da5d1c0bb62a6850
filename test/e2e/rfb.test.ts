import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { grabScreen, type Picture, serveRfb, typeKeys } from '../../src/engine/index.ts'
import { createTesterDisk } from './guests/tester.ts'
import { missing } from './tools.ts'

/** Our client against QEMU's VNC server and against our own. */

function newFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'viv-rfb-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (let left = 1500; left > 0; left--) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.fail(`waited in vain for: ${what}`)
}

/** How many pixels are not black in each line of text. */
function inkOfRows({ width, height, rgba }: Picture): number[] {
  const rows = Array.from({ length: height / 16 }, () => 0)
  for (let at = 0; at < width * height; at++) if (rgba[at * 4]! > 0) rows[Math.floor(at / width / 16)]!++
  return rows
}

test('QEMU: the screen is seen, and keys arrive as they were meant', async (t) => {
  if (missing(t, 'qemu-system-i386')) return
  const folder = newFolder(t)
  const vhd = join(folder, 'tester.vhd')
  const socket = join(folder, 'vnc.sock')
  const serial = join(folder, 'serial.log')
  createTesterDisk(vhd)
  const drive = `file=${vhd},format=vpc,if=ide,snapshot=on`
  const qemu = spawn(
    'qemu-system-i386',
    ['-accel', 'tcg', '-m', '32', '-display', 'none', '-vnc', `unix:${socket}`, '-drive', drive].concat([
      '-serial',
      `file:${serial}`,
    ]),
    { stdio: 'ignore' },
  )
  const gone = new Promise((resolve) => qemu.once('exit', resolve))
  t.after(async () => {
    qemu.kill('SIGKILL')
    await gone
  })
  const log = () => (existsSync(serial) ? readFileSync(serial, 'latin1') : '')
  await until(() => log().includes('Tester ready.'), 'the guest')
  const before = await grabScreen(socket)
  assert.ok(before.width >= 640 && before.height === 400)
  // No letter that is a command of the guest.
  const typed = 'Hello {dusky} FOX: 1+1=2?'
  await typeKeys(socket, { text: typed })
  await typeKeys(socket, { keys: 'Shift-a b Tab' })
  await until(() => log().endsWith(`${typed}Ab\t`), 'the keys')
  await until(async () => {
    const rows = inkOfRows(await grabScreen(socket))
    return rows.filter((ink, row) => ink > inkOfRows(before)[row]! + 500).length === 1
  }, 'the typed line on the screen')
})

/** A screen that can be changed, and what is done to keyboard and mouse. */
async function ownServer(t: TestContext) {
  const screen = { width: 0, height: 0, rgba: new Uint8Array(0), generation: 0, refresh() {} }
  const show = (width: number, height: number, paint: (x: number, y: number) => readonly number[]) => {
    const rgba = new Uint8Array(width * height * 4).fill(255)
    for (let at = 0; at < width * height; at++) rgba.set(paint(at % width, Math.floor(at / width)), at * 4)
    Object.assign(screen, { width, height, rgba, generation: screen.generation + 1 })
  }
  show(64, 48, (x, y) => [x, y, 7])
  const scancodes: number[] = []
  const pointer = { move() {}, place() {}, buttons() {}, wheel() {} }
  const socketPath = join(newFolder(t), 'rfb.sock')
  const keyboard = (bytes: readonly number[]) => scancodes.push(...bytes)
  const server = await serveRfb({ socketPath, name: 'own', screen, pointer, keyboard })
  t.after(() => server.close())
  return { socketPath, screen, show, scancodes, server }
}

test('our server: pictures of any size come as they are, to several clients at once', async (t) => {
  const { socketPath, screen, show } = await ownServer(t)
  const same = async () => {
    const picture = await grabScreen(socketPath)
    assert.deepEqual([picture.width, picture.height], [screen.width, screen.height])
    assert.ok(Buffer.from(picture.rgba).equals(screen.rgba))
  }
  await Promise.all([same(), same(), same()])
  show(800, 600, (x, y) => [(x * y) & 0xff, x & 0xff, y & 0xff])
  await Promise.all([same(), same()])
})

test('our server: text and named keys become scancodes, and nothing stays pressed', async (t) => {
  const { socketPath, scancodes, server } = await ownServer(t)
  await typeKeys(socketPath, { text: 'a!' }, { delayMilliseconds: 0 })
  assert.deepEqual(scancodes.splice(0), [0x1e, 0x9e, 0x2a, 0x02, 0x82, 0xaa])
  await typeKeys(socketPath, { keys: 'Ctrl-Alt-Del' }, { delayMilliseconds: 0 })
  assert.deepEqual(scancodes.splice(0), [0x1d, 0x38, 0xe0, 0x53, 0xe0, 0xd3, 0xb8, 0x9d])
  await until(() => server.clients === 0, 'clients to leave')
})

test('a server that is none, or silent, or lies, is told apart', async (t) => {
  const folder = newFolder(t)
  await assert.rejects(grabScreen(join(folder, 'none.sock')), { kind: 'not-found' })
  const greet = async (name: string, ...bytes: readonly (string | readonly number[])[]) => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      for (const part of bytes) socket.write(typeof part === 'string' ? part : Uint8Array.from(part))
    })
    const path = join(folder, name)
    await new Promise<void>((resolve) => server.listen(path, resolve))
    t.after(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return path
  }
  const malformed = { kind: 'malformed', code: 'rfb-protocol' }
  await assert.rejects(grabScreen(await greet('http', 'HTTP/1.1 400 Bad Request\r\n')), malformed)
  await assert.rejects(grabScreen(await greet('password', 'RFB 003.008\n', [1, 2])), malformed)
  const init = [1, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, ...Array.from({ length: 16 }, () => 0), 0, 0, 0, 0]
  await assert.rejects(grabScreen(await greet('huge', 'RFB 003.008\n', init)), malformed)
  const silent = grabScreen(await greet('silent', 'RFB 003.008\n'), { timeoutMilliseconds: 200 })
  await assert.rejects(silent, { kind: 'unavailable', code: 'rfb-timeout' })
})
