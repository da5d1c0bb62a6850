import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startSwitch } from '../src/engine/switch-process/client.ts'
import { end, into, NEW_NAMESPACE } from './namespace.ts'

/**
 * Two network namespaces with a tap each, joined by one of three: our switch, vde_switch, or nothing but QEMU's own
 * socket. Everything else is the same: a QEMU without a machine carries frames between tap and socket.
 */

const run = promisify(execFile)
const SECONDS = 4

export interface Joint {
  readonly name: string
  /** QEMU's -netdev options of the two ends, without the id. */
  readonly ends: readonly [left: string, right: string]
  stop(): Promise<void>
}

export async function joinBySwitch(folder: string): Promise<Joint> {
  const client = await startSwitch({
    socketFolder: join(folder, 's'),
    networks: [{ name: 'Bench', key: 'bench' }],
  })
  const end = `stream,server=off,addr.type=unix,addr.path=${client.socketOf('bench')}`
  return { name: 'vivarium', ends: [end, end], stop: () => client.stop() }
}

export async function joinByVde(folder: string): Promise<Joint> {
  const socket = join(folder, 'vde')
  const child = spawn('vde_switch', ['-s', socket, '-M', `${socket}.manage`], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  await delay(500)
  return { name: 'vde_switch', ends: [`vde,sock=${socket}`, `vde,sock=${socket}`], stop: () => end(child) }
}

export function joinByQemu(folder: string): Joint {
  const path = join(folder, 'qemu.socket')
  const at = (server: string) => `stream,server=${server},addr.type=unix,addr.path=${path}`
  return { name: 'QEMU socket', ends: [at('on'), at('off')], stop: () => Promise.resolve() }
}

export interface Throughput {
  readonly gigabits: number
  /** Of 64 bytes, as on a wire with the check sequence: 18 bytes of UDP payload. */
  readonly smallFrames: number
}

/** iperf3 from the left to the right. */
export async function measureJoint(joint: Joint): Promise<Throughput> {
  const left = await station(joint.ends[0], '10.9.0.1')
  const right = await station(joint.ends[1], '10.9.0.2')
  const server = spawn('nsenter', [...into(right), 'iperf3', '-s'], { stdio: 'ignore' })
  try {
    await delay(500)
    const tcp = await iperf(left)
    const udp = await iperf(left, '-u', '-b', '0', '-l', '18')
    const { packets, lost_packets: lost, seconds } = udp.end.sum
    return {
      gigabits: (tcp.end.sum_received?.bits_per_second ?? 0) / 1e9,
      smallFrames: ((packets ?? 0) - (lost ?? 0)) / (seconds ?? 1),
    }
  } finally {
    await Promise.all([server, left, right].map(end))
  }
}

interface IperfReport {
  readonly end: {
    readonly sum_received?: { readonly bits_per_second: number }
    readonly sum: { readonly packets?: number; readonly lost_packets?: number; readonly seconds?: number }
  }
}

async function iperf(from: ChildProcess, ...options: readonly string[]): Promise<IperfReport> {
  const command = ['iperf3', '-c', '10.9.0.2', '-t', String(SECONDS), '-J', ...options]
  const { stdout } = await run('nsenter', [...into(from), ...command], {
    maxBuffer: 2 ** 24,
    timeout: 60_000,
  })
  return JSON.parse(stdout) as IperfReport
}

async function station(netdev: string, address: string): Promise<ChildProcess> {
  const script = `
ip link set lo up
ip tuntap add tap0 mode tap
ip addr add ${address}/24 dev tap0
ip link set tap0 up
exec qemu-system-i386 -M none -nodefaults -display none -monitor stdio \\
  -netdev tap,id=t,ifname=tap0,script=no,downscript=no -netdev hubport,id=ht,hubid=0,netdev=t \\
  -netdev ${netdev},id=s -netdev hubport,id=hs,hubid=0,netdev=s`
  const child = spawn('unshare', [...NEW_NAMESPACE, 'sh', '-ec', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await once(child.stdout!, 'data')
  await delay(500)
  return child
}
