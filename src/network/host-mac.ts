/** Locally administered (second bit of the first byte, IEEE 802 8.2), and "V" in it. */
const PREFIX = 0x0256

/**
 * The address of a network's own host, from the network's key by 32-bit FNV-1a: the same after a restart, so that
 * guests' ARP caches stay right.
 */
export function hostMac(key: string): number {
  let hash = 0x811c9dc5
  for (const character of key) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0
  return PREFIX * 2 ** 32 + hash
}

/** Whether it may be the host of a network of Vivarium's, this or another. */
export function isHostMac(mac: number): boolean {
  return Math.floor(mac / 2 ** 32) === PREFIX
}
