import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startSwitch } from '../src/engine/switch-process/client.ts'
import { end, into, NEW_NAMESPACE } from './namespace.ts'

/**
 * DHCP servers, and beside each a network device from which perfdhcp asks them. Ours is in the switch process, as a
 * network has it: the tester's frames go through a tap, a cable (a QEMU without a machine), a Unix socket and the
 * switch, and its leases are on the disk. dnsmasq and Kea have what suits them best: a veth pair from kernel to kernel,
 * and a lease file in memory (dnsmasq writes and flushes it whole for every lease). None asks whether an address is
 * in use, and all have the same 15,360 addresses.
 */
export interface DhcpRival {
  readonly name: string
  /** Runs a command where the tester's device is. */
  readonly enter: readonly string[]
  readonly device: string
  stop(): Promise<void>
}

const SERVER = '10.9.0.1'
const TESTER = '10.9.0.2'
const MASK = '255.255.0.0'
const FIRST = '10.9.1.0'
const LAST = '10.9.60.255'
const LEASE_SECONDS = 3600

export async function ownServer(folder: string): Promise<DhcpRival> {
  const pool = { network: '10.9.0.0', mask: MASK, start: FIRST, end: LAST, server: SERVER }
  const dhcp = { ...pool, leaseSeconds: LEASE_SECONDS, probe: false }
  const client = await startSwitch({
    socketFolder: join(folder, 's'),
    networks: [{ name: 'Bench', key: 'bench', dhcp }],
  })
  const cable = `
ip tuntap add tap0 mode tap
ip addr add ${TESTER}/16 dev tap0
ip link set tap0 up
exec qemu-system-i386 -M none -nodefaults -display none -monitor stdio \\
  -netdev tap,id=t,ifname=tap0,script=no,downscript=no -netdev hubport,id=ht,hubid=0,netdev=t \\
  -netdev stream,id=s,server=off,addr.type=unix,addr.path=${client.socketOf('bench')} \\
  -netdev hubport,id=hs,hubid=0,netdev=s`
  const station = await holder(cable)
  return {
    ...{ name: 'vivarium', enter: into(station), device: 'tap0' },
    async stop() {
      await end(station)
      await client.stop()
    },
  }
}

export async function dnsmasq(): Promise<DhcpRival> {
  const words = [
    '--no-daemon --conf-file=/dev/null --port=0 --user=root --interface=veth0 --quiet-dhcp --no-ping',
    `--dhcp-authoritative --dhcp-lease-max=20000 --dhcp-leasefile=/run/leases`,
    `--dhcp-range=${FIRST},${LAST},${MASK},${LEASE_SECONDS}`,
  ]
  return onVeth('dnsmasq', `exec dnsmasq ${words.join(' ')}`)
}

export async function kea(folder: string): Promise<DhcpRival> {
  const configuration = {
    Dhcp4: {
      'interfaces-config': { interfaces: ['veth0'] },
      'lease-database': {
        type: 'memfile',
        persist: true,
        name: '/var/lib/kea/leases.csv',
        'lfc-interval': 0,
      },
      'valid-lifetime': LEASE_SECONDS,
      subnet4: [{ id: 1, subnet: '10.9.0.0/16', pools: [{ pool: `${FIRST} - ${LAST}` }] }],
      loggers: [{ name: 'kea-dhcp4', severity: 'ERROR', output_options: [{ output: 'stderr' }] }],
    },
  }
  const file = join(folder, 'kea.json')
  writeFileSync(file, JSON.stringify(configuration))
  // Kea accepts its files in its own folders alone.
  const own = 'mount -t tmpfs tmpfs /var/lib; mkdir -p /var/lib/kea /run/kea'
  return onVeth('Kea', `${own}; KEA_LOCKFILE_DIR=none exec kea-dhcp4 -c ${file}`)
}

async function onVeth(name: string, server: string): Promise<DhcpRival> {
  const station = await holder(`
mount -t tmpfs tmpfs /run
ip netns add tester
ip link add veth0 type veth peer name veth1 netns tester
ip addr add ${SERVER}/16 dev veth0
ip link set veth0 up
ip -n tester addr add ${TESTER}/16 dev veth1
ip -n tester link set veth1 up
echo ready
${server}`)
  const enter = [...into(station), 'ip', 'netns', 'exec', 'tester']
  return { name, enter, device: 'veth1', stop: () => end(station) }
}

/** A namespace that lives as long as the program that its script becomes. */
async function holder(script: string): Promise<ChildProcess> {
  const child = spawn('unshare', [...NEW_NAMESPACE, 'sh', '-ec', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
  // What it printed last is not yet its server listening.
  await delay(1500)
  if (child.exitCode !== null) throw new Error('The namespace or its server did not start.')
  return child
}
