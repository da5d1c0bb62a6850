import { readUint16 } from './addresses.ts'
import { ETHERNET_HEADER_BYTES } from './ethernet.ts'

/**
 * VLAN tags (IEEE 802.1Q-2018, 9.6). The switch carries them and changes none.
 *
 *     | destination | source | 0x8100 | priority 3, drop 1, VLAN 12 | type | payload ... |
 *
 * VLAN 0 is a priority tag: the frame belongs where it would belong without the tag.
 */

export const VLAN_TAG_BYTES = 4
const CUSTOMER_TAG = 0x8100
/** Provider bridges put theirs in front (802.1Q, 9.5). */
const SERVICE_TAG = 0x88a8

/** VLAN of the frame's outer tag; 0 = none. */
export function vlanOf(bytes: Uint8Array, frame: number, length: number): number {
  // The first byte alone tells most frames apart: 0x08 for IP and ARP.
  const first = bytes[frame + 12]!
  if ((first !== 0x81 && first !== 0x88) || length < ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES) return 0
  return isTag(readUint16(bytes, frame + 12)) ? readUint16(bytes, frame + 14) & 0x0fff : 0
}

/** Where the payload begins, behind all tags; the two bytes in front of it are its type. */
export function payloadOffset(bytes: Uint8Array, frame: number, length: number): number {
  let at = frame + ETHERNET_HEADER_BYTES
  while (isTag(readUint16(bytes, at - 2)) && at + VLAN_TAG_BYTES <= frame + length) at += VLAN_TAG_BYTES
  return at
}

/** The VLANs of all its tags as one number, for a frame whose payload begins there; 0 = none. */
export function vlansOf(bytes: Uint8Array, frame: number, payload: number): number {
  let vlans = 0
  for (let at = frame + ETHERNET_HEADER_BYTES; at < payload; at += VLAN_TAG_BYTES) {
    const vlan = readUint16(bytes, at) & 0x0fff
    // A number holds four of them apart; who stacks more tags shares.
    if (vlan !== 0) vlans = (vlans * 4096 + vlan) % 2 ** 48
  }
  return vlans
}

function isTag(type: number): boolean {
  return type === CUSTOMER_TAG || type === SERVICE_TAG
}
