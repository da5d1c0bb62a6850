import { readUint32 } from '../addresses.ts'
import type { DhcpMessage } from './message.ts'
import { OPTION } from './options.ts'

/** What relays add to a client's message (RFC 3046). */

/** RFC 3527, section 3: the subnet of the client, where `giaddr` can only say where the relay is. */
const LINK_SELECTION = 5
/** More than a relay has to say; what is longer could not be given back within a reply. */
const MAXIMUM_BYTES = 255

/** The address that names the client's subnet; undefined when no relay has had the message. */
export function relayedSubnet(message: DhcpMessage): number | undefined {
  if (message.relay === 0) return undefined
  const information = relayInformation(message) ?? new Uint8Array()
  for (let at = 0; at + 2 <= information.length; at += 2 + information[at + 1]!) {
    const isLink = information[at] === LINK_SELECTION && information[at + 1] === 4
    if (isLink && at + 6 <= information.length) return readUint32(information, at + 2)
  }
  return message.relay
}

/** Given back to the relay, which needs it to find the client again. A client that sends it itself gets nothing. */
export function relayInformation(message: DhcpMessage): Uint8Array | undefined {
  const information = message.options.get(OPTION.relayInformation)
  const isRelays = message.relay !== 0 && information !== undefined && information.length <= MAXIMUM_BYTES
  return isRelays ? information : undefined
}
