import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSwitch } from '../src/engine/switch-process/client.ts'
import { encodeEthernet, runOf } from '../src/network/index.ts'
import { folderOf } from './namespace.ts'
import { joinByQemu, joinBySwitch, joinByVde, measureJoint } from './switch-rivals.ts'
import { measureScale } from './switch-scale.ts'

/**
 * The switch process between two sockets, against a process that only pipes the same bytes from one socket to
 * another: what switching costs on top of moving. Then real TCP between two namespaces through it, through vde_switch
 * and through QEMU's own socket (as root or where user namespaces are allowed; packages iperf3, vde2,
 * qemu-system-x86), and what 1,000 networks with 4,000 ports take. `npm run bench switch.bench`, about a minute.
 */

const SECONDS = 1.5
/** What may be under way: less than a port's queue, so nothing is dropped. */
const WINDOW_BYTES = 1024 * 1024
const STATIONS = { left: 0x0003_ff00_0001, right: 0x0003_ff00_0002 }

/** Run with `pipe SOCKET`, this file is the peer: the first connection is piped into the second. */
function servePipe(path: string): void {
  let first: net.Socket | undefined
  net
    .createServer((socket) => {
      socket.on('error', () => process.exit(0))
      if (first === undefined) first = socket
      else first.pipe(socket)
      socket.on('close', () => process.exit(0))
    })
    .listen(path, () => process.send?.('ready'))
}

function connect(path: string): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path, () => resolve(socket))
    socket.on('error', reject)
  })
}

/** Pushes the same run for a while and counts what comes out on the other side. @returns bytes per second */
async function measure(from: net.Socket, to: net.Socket, run: Uint8Array): Promise<number> {
  let sent = 0
  let arrived = 0
  const push = () => {
    while (sent - arrived < WINDOW_BYTES) {
      from.write(run)
      sent += run.length
    }
  }
  to.on('data', (chunk) => {
    arrived += chunk.length
    push()
  })
  const begin = performance.now()
  push()
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  const rate = arrived / ((performance.now() - begin) / 1000)
  from.destroy()
  to.destroy()
  return rate
}

async function throughPipe(folder: string, run: Uint8Array): Promise<number> {
  const path = join(folder, 'pipe')
  const child = fork(import.meta.filename, ['pipe', path])
  await new Promise((resolve) => child.once('message', resolve))
  const rate = await measure(await connect(path), await connect(path), run)
  child.kill()
  rmSync(path, { force: true })
  return rate
}

async function throughSwitch(folder: string, run: Uint8Array): Promise<number> {
  const client = await startSwitch({ socketFolder: folder, networks: [{ name: 'Bench', key: 'bench' }] })
  const [from, to] = [await connect(client.socketOf('bench')), await connect(client.socketOf('bench'))]
  // The switch has to have heard the receiver, or it would flood.
  to.write(runOf(frame(STATIONS.right, STATIONS.left, 60)))
  await new Promise((resolve) => from.once('data', resolve))
  const rate = await measure(from, to, run)
  const dropped = (await client.status()).networks[0]!.ports.reduce(
    (sum, port) => sum + port.counters.framesDropped,
    0,
  )
  if (dropped > 0) console.log(`  (${dropped} frames dropped)`)
  await client.stop()
  return rate
}

function frame(source: number, destination: number, bytes: number): Uint8Array {
  return encodeEthernet({ destination, source, type: 0x88b5, payload: new Uint8Array(bytes - 14) })
}

async function compareRivals(folder: string): Promise<void> {
  const joints = [
    () => joinByQemu(folderOf(folder, 'qemu')),
    () => joinByVde(folderOf(folder, 'vde')),
    () => joinBySwitch(folderOf(folder, 'own')),
  ]
  for (const join of joints) {
    const joint = await join()
    try {
      const { gigabits, smallFrames } = await measureJoint(joint)
      const frames = `${Math.round(smallFrames / 1000)} k frames/s of 64 bytes`
      console.log(`TCP through ${joint.name}: ${gigabits.toFixed(2)} Gbit/s, ${frames}`)
    } finally {
      await joint.stop()
    }
  }
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vsw-'))
  try {
    const { idleMiB, pluggedMiB } = await measureScale(folder)
    console.log(
      `1,000 networks, 4,000 ports: ${idleMiB.toFixed(0)} MiB empty, ${pluggedMiB.toFixed(0)} MiB with stations`,
    )
    await compareRivals(folder)
    for (const bytes of [1514, 64]) {
      const one = frame(STATIONS.left, STATIONS.right, bytes)
      const run = runOf(...Array.from({ length: Math.ceil(65_536 / bytes) }, () => one))
      const pipe = await throughPipe(folder, run)
      const switched = await throughSwitch(folder, run)
      const gigabits = (rate: number) => `${((rate * 8) / 1e9).toFixed(2)} Gbit/s`
      const frames = `${(switched / (bytes + 4) / 1e6).toFixed(2)} M frames/s`
      console.log(
        `${bytes}-byte frames: switch ${gigabits(switched)} (${frames}), pipe ${gigabits(pipe)}, ratio ${(switched / pipe).toFixed(2)}`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'pipe') servePipe(process.argv[3]!)
else await main()
