import { encodeTcp, FLAG } from '../../../src/network/index.ts'
import type { Random } from '../mutate.ts'
import { BOOT_CONFIG, BOOT_WORLD } from './boot.ts'
import { bytesOf, type FuzzPacket, HOST_ADDRESS, type ProtocolTarget, STATION } from './target.ts'

/** Segments to the HTTP server's port: nobody tells them the host's sequence numbers, as nobody tells an attacker. */

const ADDRESSES = { source: STATION.address, destination: HOST_ADDRESS }
const FLAGS = [
  FLAG.syn,
  FLAG.syn,
  FLAG.ack,
  FLAG.ack | FLAG.psh,
  FLAG.fin | FLAG.ack,
  FLAG.rst,
  FLAG.syn | FLAG.fin,
  0,
  0xff,
]

function segment(pick: Random): FuzzPacket {
  const flags = FLAGS[pick(FLAGS.length)]!
  const payload = encodeTcp(
    {
      sourcePort: 2000 + pick(3),
      destinationPort: pick(8) === 0 ? 81 : 80,
      sequence: 1000 + pick(4),
      acknowledgment: pick(2) === 0 ? 0 : pick(2 ** 32),
      flags,
      window: pick(3) === 0 ? 0 : pick(65_536),
      ...(pick(2) === 0 && { maximumSegment: pick(2) === 0 ? pick(65_536) : 1460, windowScale: pick(20) }),
      payload: pick(2) === 0 ? new Uint8Array(0) : bytesOf('GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
    },
    ADDRESSES,
  )
  return { protocol: 'tcp', port: 80, payload }
}

export const tcpTarget: ProtocolTarget = {
  config: BOOT_CONFIG,
  world: BOOT_WORLD,
  packets: (pick) => Array.from({ length: 1 + pick(12) }, () => segment(pick)),
  // A SYN is answered four times.
  mostAnswerFactor: 5,
}
