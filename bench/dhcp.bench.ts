/**
 * DORA exchanges a second, and how long one takes: our DHCP server against dnsmasq and Kea (memfile), each asked by
 * perfdhcp in the same run. A rate is held when of a hundred exchanges that were begun at most one stays without its
 * acknowledgement. Needs qemu-system-i386, and the packages dnsmasq-base, kea-dhcp4-server and kea-admin.
 *
 * Run: npm run bench dhcp.bench
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type DhcpRival, dnsmasq, kea, ownServer } from './dhcp-rivals.ts'
import { folderOf } from './namespace.ts'

const run = promisify(execFile)
const RATES = [250, 500, 1000, 1500, 2000, 3000, 4000, 6000, 8000]
const SECONDS = 4
const CLIENTS = 8000
const MOST_LOST = 0.01

interface Answer {
  /** Exchanges that were acknowledged, a second. */
  readonly perSecond: number
  readonly lost: number
  /** From DISCOVER to OFFER and from REQUEST to ACK, the two means added. */
  readonly milliseconds: number
}

async function ask(rival: DhcpRival, rate: number): Promise<Answer> {
  const options = ['-4', '-l', rival.device, '-r', `${rate}`, '-p', `${SECONDS}`, '-R', `${CLIENTS}`]
  const command = [...rival.enter, 'perfdhcp', ...options, '-W', '500000']
  // It ends with 3 when anything was lost, which is a result and no failure.
  const { stdout } = await run('nsenter', command, { timeout: 60_000 }).catch((error) => {
    if (error.code === 3) return error as { stdout: string }
    throw error
  })
  const figures = (name: string) => {
    const found = [...stdout.matchAll(new RegExp(`^${name}: (\\d+(?:\\.\\d+)?)`, 'gm'))]
    if (found.length !== 2) throw new Error(`perfdhcp did not tell "${name}" twice:\n${stdout}`)
    return found.map(([, digits]) => Number(digits)) as [number, number]
  }
  const [begun] = figures('sent packets')
  const [, acknowledged] = figures('received packets')
  const [offer, acknowledgement] = figures('avg delay')
  return {
    perSecond: acknowledged / SECONDS,
    lost: 1 - acknowledged / begun,
    milliseconds: offer + acknowledgement,
  }
}

/** Climbs until a rate is not held. */
async function climb(rival: DhcpRival): Promise<number> {
  let held = 0
  for (const rate of RATES) {
    const { perSecond, lost, milliseconds } = await ask(rival, rate)
    const lostPercent = (lost * 100).toFixed(1).padStart(5)
    console.log(
      `${rival.name.padEnd(9)} ${String(rate).padStart(5)}/s asked ${perSecond.toFixed(0).padStart(6)}/s answered ${lostPercent} % lost ${milliseconds.toFixed(2).padStart(8)} ms`,
    )
    if (lost > MOST_LOST) break
    held = perSecond
  }
  return held
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vdb-'))
  const held = new Map<string, number>()
  try {
    for (const start of [ownServer, dnsmasq, kea]) {
      const rival = await start(folderOf(folder, start.name))
      try {
        held.set(rival.name, await climb(rival))
      } finally {
        await rival.stop()
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const own = held.get('vivarium')!
  for (const [name, rate] of held)
    console.log(
      `${name} holds ${rate.toFixed(0)} DORA/s${name === 'vivarium' ? '' : `, ratio ${(own / rate).toFixed(2)}`}`,
    )
}

await main()
