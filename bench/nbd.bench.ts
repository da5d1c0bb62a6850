import { execFileSync, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDiskServer } from '../src/engine/index.ts'
import { type Case, compare } from './nbd-rivals.ts'

/**
 * Our NBD server against `qemu-nbd -f vpc`, each with its own copy of the same fully allocated dynamic VHD. Rounds
 * alternate between the two, a line shows the medians; the ratio is ours / peer, above 1 = we are faster.
 */
const SIZE_MB = 256
const MiB = 1024 * 1024

const CASES: readonly Case[] = [
  { kind: 'read', order: 'random', requestBytes: 4096, depth: 32, goal: 3 },
  { kind: 'write', order: 'random', requestBytes: 4096, depth: 32, goal: 10 },
  { kind: 'read', order: 'random', requestBytes: 4096, depth: 1, goal: 1 },
  { kind: 'write', order: 'random', requestBytes: 4096, depth: 1, goal: 1 },
  { kind: 'read', order: 'sequential', requestBytes: MiB, depth: 1, goal: 1 },
  { kind: 'write', order: 'sequential', requestBytes: MiB, depth: 1, goal: 1 },
  { kind: 'read', order: 'sequential', requestBytes: MiB, depth: 4, goal: 1 },
  { kind: 'write', order: 'sequential', requestBytes: MiB, depth: 4, goal: 1 },
]

const folder = mkdtempSync(join(tmpdir(), 'viv-bench-'))
const cleanups: (() => Promise<void> | void)[] = []

/** Random bytes: neither server finds a zero to leave out. */
function makeImages(): readonly [string, string] {
  const raw = join(folder, 'disk.raw')
  const content = Buffer.alloc(SIZE_MB * MiB)
  for (let at = 0; at < content.length; at += 64 * MiB) randomFillSync(content, at, 64 * MiB)
  writeFileSync(raw, content)
  const ours = join(folder, 'ours.vhd')
  const peers = join(folder, 'peer.vhd')
  execFileSync('qemu-img', ['convert', '-O', 'vpc', '-o', 'subformat=dynamic,force_size=on', raw, ours])
  rmSync(raw)
  copyFileSync(ours, peers)
  // What is still being written back from making them would be paid for by whoever is measured first.
  execFileSync('sync', [ours, peers])
  return [ours, peers]
}

async function startOurs(image: string): Promise<string> {
  const disk = { layers: [image], writable: true }
  const server = await startDiskServer({ runFolder: join(folder, 'run'), exports: [{ name: 'bench', disk }] })
  cleanups.push(() => server.stop())
  return server.socketPath
}

async function startPeer(image: string): Promise<string> {
  const socketPath = join(folder, 'peer.sock')
  // -t: keep serving after the first client.
  const args = ['-f', 'vpc', '-t', '-x', 'bench', '-k', socketPath, image]
  const peer = spawn('qemu-nbd', args, { stdio: 'inherit' })
  cleanups.push(() => void peer.kill())
  while (!existsSync(socketPath)) await sleep(20)
  return socketPath
}

try {
  const [ours, peers] = makeImages()
  const sockets = [await startOurs(ours), await startPeer(peers)] as const
  await compare(sockets, CASES)
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup()
  rmSync(folder, { recursive: true })
}
