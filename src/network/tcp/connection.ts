/**
 * One connection as its service sees it. Bytes that are written belong to the connection; bytes that come are valid
 * during the call only.
 */
export interface TcpConnection {
  readonly remote: TcpPeer
  readonly localPort: number
  /** Takes all of it. False: enough waits to be sent; go on when `drained` is called. */
  write(bytes: Uint8Array): boolean
  /** Nothing more to send. What was written still arrives. */
  end(): void
  /** At once, and what was written may be lost. */
  reset(): void
  /** No more data comes, and the peer has to stop when its window is full, until `resume`. */
  pause(): void
  resume(): void
}

export interface TcpPeer {
  readonly mac: number
  readonly address: number
  readonly port: number
}

/** What a service does about a connection. */
export interface TcpHandlers {
  data(bytes: Uint8Array): void
  drained?(): void
  /** The peer sends nothing more; it may still receive. Default: the connection is ended from here too. */
  ended?(): void
  /** It is over, whichever way; called once, and nothing else afterwards. */
  closed?(): void
}

/** A service takes a connection, after its handshake. */
export type TcpAccept = (connection: TcpConnection) => TcpHandlers
