import { runOf } from '../../../src/network/framing.ts'
import { Capture, portSettingsSchema, VirtualNetwork } from '../../../src/network/index.ts'
import { scriptedClock, testStation } from '../../../src/network/testing.ts'
import type { Random } from '../mutate.ts'
import { type CaseResult, fuzzConfig } from './target.ts'

/**
 * Hostile frames to the switch itself: tags in tags, headers that end early, addresses that are others', to ports with
 * guards, bad lines, mirrors and captures, and to the router of a network with NAT. Nobody may hear more than was said.
 */

const CONFIG = fuzzConfig({ mtu: 1500, dhcp: {}, uplink: { kind: 'nat', forwards: [] } })
const GUARDED = portSettingsSchema.parse({ guard: { mac: '00:03:ff:00:00:01' } })
const PORTS = [
  GUARDED,
  portSettingsSchema.parse({
    conditions: { lossPercent: 10, delayMs: 5, jitterMs: 4, reorderPercent: 20, seed: 1 },
  }),
  portSettingsSchema.parse({ promiscuous: true }),
  {},
]
/** Ethertypes and what follows them at first, and IP protocols. */
const HEADERS = [
  [0x08, 0x00, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 17],
  [0x08, 0x00, 0x4f, 0, 0xff, 0xff, 0, 1, 0x20, 0, 1, 6],
  [0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1],
  [0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 60, 1],
  [0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 44, 1],
  [0x88, 0xa8, 0, 5, 0x81, 0, 0xe0, 0],
]
const TAG = [0x81, 0, 0, 5]
const LENGTHS = [0, 1, 13, 14, 15, 18, 33, 34, 53, 60, 74, 1514, 1518, 1519]

export function runSwitchCase(pick: Random): Promise<CaseResult> {
  const clock = scriptedClock()
  const network = new VirtualNetwork(CONFIG, { clock })
  const hostMac = Number.parseInt(network.status().host!.mac.replaceAll(':', ''), 16)
  const stations = PORTS.map((settings, index) => {
    const station = testStation(network, `port ${index}`)
    station.port.configure(settings)
    return station
  })
  const outer = network.nat!.connect('outside', { send: () => true })
  let captured = 0
  const take = (bytes: Uint8Array) => {
    captured += bytes.length
    return pick(8) === 0 ? 'no-room' : 'taken'
  }
  const filter = pick(2) === 0 ? { protocol: 'udp' as const, portNumber: 53 } : { address: '10.244.0.1' }
  const captures = [filter, { port: 'port 2', snapLength: 14 }].map(
    (wanted) => new Capture(network, wanted, clock.now, take),
  )
  let said = 0
  for (let count = 1 + pick(12); count > 0; count--) {
    const frames = Array.from({ length: 1 + pick(4) }, () => hostileFrame(pick, hostMac))
    if (pick(6) === 0) outer.receive(runOf(...frames))
    else stations[pick(stations.length)]!.say(...frames)
    said += frames.length
    if (pick(3) === 0) clock.pass(pick(20))
  }
  clock.pass(1000)
  for (const capture of captures) capture.close()
  const { framesBlocked, framesMalformed } = network.status().totals
  for (const station of stations) {
    // The host answers a frame once at most, and a mirror hears both.
    const heard = station.look().length
    if (heard > said * 2) throw new Error(`${heard} frames were heard of ${said}`)
  }
  if (captured === 0) throw new Error('a capture has no beginning')
  network.close()
  return Promise.resolve({ refused: framesBlocked + framesMalformed >= said })
}

function hostileFrame(pick: Random, hostMac: number): Uint8Array {
  const bytes = new Uint8Array(LENGTHS[pick(LENGTHS.length)]!)
  for (let count = pick(24); count > 0; count--) bytes[pick(Math.max(1, bytes.length))] = pick(256)
  const place = (at: number, piece: readonly number[]) => {
    for (const [index, byte] of piece.entries()) if (at + index < bytes.length) bytes[at + index] = byte
  }
  const host = [40, 32, 24, 16, 8, 0].map((shift) => Math.floor(hostMac / 2 ** shift) & 0xff)
  const others = [
    [255, 255, 255, 255, 255, 255],
    host,
    [0, 3, 255, 0, 0, pick(4)],
    [1, 0x80, 0xc2, 0, 0, pick(16)],
  ]
  place(0, others[pick(others.length)]!)
  place(6, [pick(12) === 0 ? 1 : 0, 3, 255, 0, 0, 1 + pick(3)])
  let at = 12
  for (; pick(3) === 0; at += TAG.length) place(at, TAG)
  place(at, HEADERS[pick(HEADERS.length)]!)
  return bytes
}
