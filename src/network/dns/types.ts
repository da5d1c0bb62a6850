/** Numbers of the DNS (RFC 1035, 3.2 and 4.1.1; IANA "DNS parameters"). */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const

export const CLASS = { IN: 1, CH: 3, NONE: 254, ANY: 255 } as const

export const OPCODE = { query: 0, update: 5 } as const

/** RFC 1035, 4.1.1; 6 to 10 by RFC 2136, 2.2; 16 by RFC 6891, 9. */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  nameExists: 6,
  setExists: 7,
  setMissing: 8,
  notAuthoritative: 9,
  notInZone: 10,
  badVersion: 16,
} as const

/** RFC 3597, 5: a type without a name is written by its number. */
export function typeName(type: number): string {
  const known = Object.entries(TYPE).find(([, number]) => number === type)
  return known?.[0] ?? `TYPE${type}`
}
