import { readFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { startSwitch } from '../src/engine/switch-process/client.ts'
import { encodeEthernet, runOf } from '../src/network/index.ts'

/** A switch process with 1,000 networks and 4,000 ports, a station at each: how much memory it takes. */

const NETWORKS = 1000
const PORTS_PER_NETWORK = 4

export async function measureScale(folder: string): Promise<{ idleMiB: number; pluggedMiB: number }> {
  const networks = Array.from({ length: NETWORKS }, (_, index) => ({
    name: `Network ${index}`,
    key: `n${index}`,
    dhcp: { network: `10.${index >> 8}.${index & 255}.0` },
  }))
  const ports = networks.flatMap(({ key }) =>
    Array.from({ length: PORTS_PER_NETWORK }, (_, index) => ({
      key: `${key}-${index}`,
      name: `Machine ${index} of ${key}`,
      network: key,
    })),
  )
  const client = await startSwitch({ socketFolder: join(folder, 'scale'), networks, ports })
  const stations: net.Socket[] = []
  try {
    const idleMiB = residentMiB(client.identity.pid)
    for (const [index, { key }] of ports.entries()) {
      const station = net.connect(client.socketOfPort(key))
      await new Promise((resolve, reject) => station.once('connect', resolve).once('error', reject))
      // Everybody says who he is, and everybody hears it.
      station.write(runOf(hello(index)))
      station.resume()
      stations.push(station)
    }
    const plugged = async () => (await client.status()).ports.filter((port) => port.stations === 1).length
    while ((await plugged()) < ports.length);
    return { idleMiB, pluggedMiB: residentMiB(client.identity.pid) }
  } finally {
    for (const station of stations) station.destroy()
    await client.stop()
  }
}

function hello(index: number): Uint8Array {
  const source = 0x0003_ff00_0000 + index
  return encodeEthernet({ destination: 0xffff_ffff_ffff, source, type: 0x88b5, payload: new Uint8Array(46) })
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}
