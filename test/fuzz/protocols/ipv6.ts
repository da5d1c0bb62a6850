import { hostMac } from '../../../src/network/host-mac.ts'
import { VirtualNetwork } from '../../../src/network/index.ts'
import { ALL_NODES, groupMac, linkLocalAddress } from '../../../src/network/ipv6/address.ts'
import { ICMPV6_TYPE, neighbourAdvertisement } from '../../../src/network/ipv6/message.ts'
import {
  echoRequest,
  frameOf,
  ipv6,
  neighbourSolicitation,
  routerSolicitation,
  type SaidPacket,
  trial,
} from '../../../src/network/ipv6/testing.ts'
import { scriptedClock, testStation } from '../../../src/network/testing.ts'
import type { Random } from '../mutate.ts'
import { type CaseResult, damageBytes, damagedPayload, fuzzConfig } from './target.ts'

/**
 * Damaged neighbour discovery and pings. Each is answered at once by one frame at most, which is no longer than the
 * question or a neighbour advertisement; and however many ask for it, the prefix is advertised every three seconds.
 */

const CONFIG = fuzzConfig({
  address: '10.244.0.1/24',
  ipv6: { prefix: 'fd00::/64', router: true, dns: ['fd00::53'], searchList: ['lab.example'] },
})
const HOST_MAC = hostMac(CONFIG.key)
const ADDRESSES = [ipv6('fd00::1'), linkLocalAddress(HOST_MAC), ipv6('fd00::2')]
const ADVERTISEMENT_BYTES = 14 + 40 + 32
const LEAST_BETWEEN_MS = 3000

function goodPacket(pick: Random): SaidPacket {
  const address = ADDRESSES[pick(ADDRESSES.length)]!
  const claim = neighbourAdvertisement(pick(256), address, pick(2 ** 32))
  const kinds: readonly SaidPacket[] = [
    routerSolicitation(),
    neighbourSolicitation(address),
    { ...neighbourSolicitation(address), destination: address },
    trial(address),
    echoRequest(address, new Uint8Array(pick(1400))),
    echoRequest(ALL_NODES),
    { type: ICMPV6_TYPE.neighbourAdvertisement, rest: claim, destination: ALL_NODES },
    { ...routerSolicitation(), type: pick(256) },
  ]
  return kinds[pick(kinds.length)]!
}

function damagedFrame(pick: Random): Uint8Array {
  const good = goodPacket(pick)
  const said = {
    ...good,
    rest: pick(3) === 0 ? good.rest : damagedPayload(good.rest, pick),
    ...(pick(8) === 0 && { hopLimit: pick(256) }),
  }
  const toMac = pick(4) === 0 || good.destination[0] !== 0xff ? HOST_MAC : groupMac(good.destination)
  const frame = frameOf(said, toMac)
  if (pick(6) === 0) damageBytes(frame, pick)
  return pick(20) === 0 ? frame.subarray(0, pick(frame.length + 1)) : frame
}

export async function runIpv6Case(pick: Random): Promise<CaseResult> {
  const clock = scriptedClock()
  const started = clock.now()
  const network = new VirtualNetwork(CONFIG, { clock })
  const station = testStation(network, 'fuzz')
  let advertisements = 0
  const pass = (milliseconds: number) => {
    clock.pass(milliseconds)
    advertisements += station.look().length
  }
  for (let count = 1 + pick(20); count > 0; count--) {
    const frame = damagedFrame(pick)
    station.say(frame)
    const answers = station.look()
    const bytes = answers.reduce((sum, { length }) => sum + length, 0)
    if (answers.length > 1 || bytes > Math.max(ADVERTISEMENT_BYTES, frame.length))
      throw new Error(`${answers.length} frames of ${bytes} bytes were answered to ${frame.length}`)
    if (pick(2) === 0) pass(pick(2000))
  }
  pass(10_000)
  const most = 1 + (clock.now() - started) / LEAST_BETWEEN_MS
  if (advertisements > most)
    throw new Error(`there were ${advertisements} advertisements, and should be ${most}`)
  const { answers } = network.status().host!
  network.close()
  return { refused: answers.handled === 0 }
}
