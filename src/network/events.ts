/** Something a network has to tell people: it goes to the event log of the server and to the network's page. */
export interface NetworkEvent {
  readonly severity: 'info' | 'warning' | 'error'
  /** For programs, such as `dhcp-rogue-server`. */
  readonly code: string
  /** One sentence or two, for people. */
  readonly message: string
  /** What to do about it. */
  readonly next?: string
}
