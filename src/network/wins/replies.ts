import { FLAG, type NbnsMessage, type NbnsRecord, OPCODE, RCODE, TYPE } from './message.ts'
import type { NetbiosName } from './netbios-name.ts'

/** What the server says back (RFC 1002, 4.2.5 to 4.2.16). */

/** 0A in a "no" to a query (4.2.14): there is no data of any type. */
const NO_DATA = 0x0a

export function reply(request: NbnsMessage, rcode: number, record: NbnsRecord): NbnsMessage {
  const isNoName = request.opcode === OPCODE.query && rcode !== RCODE.none
  return {
    id: request.id,
    isResponse: true,
    opcode: answerOpcode(request.opcode),
    flags: FLAG.authoritative | FLAG.recursionAvailable | (request.flags & FLAG.recursionDesired),
    rcode,
    scope: '',
    record: isNoName ? { ...record, type: NO_DATA, data: new Uint8Array() } : record,
  }
}

/** A renewal, and a registration of a machine with several adapters, are answered as registrations (4.2.5, 4.2.6). */
function answerOpcode(opcode: number): number {
  return opcode === OPCODE.query || opcode === OPCODE.release ? opcode : OPCODE.registration
}

/** "Wait for so long" (4.2.16), with the beginning of the request. */
export function waitReply(request: NbnsMessage, name: NetbiosName, seconds: number): NbnsMessage {
  const head = (request.opcode << 11) | (request.flags << 4)
  const data = Uint8Array.of(head >>> 8, head)
  return {
    id: request.id,
    isResponse: true,
    opcode: OPCODE.wait,
    flags: FLAG.authoritative,
    rcode: RCODE.none,
    scope: '',
    record: { name, type: TYPE.name, ttlSeconds: seconds, data },
  }
}
