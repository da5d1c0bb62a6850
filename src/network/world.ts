/**
 * What the services of a network may get from outside of it. The room is pure: whoever opens a network gives these,
 * and a network without them has services that do without.
 */
export interface ServiceWorld {
  /** Asks a DNS server of the host's world; undefined when it did not answer in time. */
  readonly askResolver?: (query: Uint8Array, server: ResolverAddress) => Promise<Uint8Array | undefined>
  /** The DNS servers that the host itself asks, in their order. */
  readonly hostResolvers?: () => readonly ResolverAddress[]
  /** Opens a file below a folder given in the network's settings; undefined when there is none of that name. */
  readonly openBootFile?: (folder: string, path: string) => Promise<BootFile | undefined>
}

export interface ResolverAddress {
  readonly address: string
  readonly port: number
}

/** A file that is served to guests while they boot. */
export interface BootFile {
  /** Bytes. */
  readonly size: number
  /** Fewer bytes than wanted only at its end. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): void
}
