/**
 * Numbers of the NBD protocol. Source: the NetworkBlockDevice project's doc/proto.md, public domain; the section
 * is named at each group. Everything on the wire is big-endian.
 */

/** "Newstyle negotiation": the server's first two magics, "NBDMAGIC" and "IHAVEOPT". */
export const INIT_MAGIC = 0x4e42444d41474943n
export const OPTION_MAGIC = 0x49484156454f5054n
/** "Fixed newstyle negotiation": starts every reply to an option. */
export const OPTION_REPLY_MAGIC = 0x0003e889045565a9n

/** "Handshake flags" and, with the same bits, "Client flags". */
export const HANDSHAKE_FIXED_NEWSTYLE = 1 << 0
export const HANDSHAKE_NO_ZEROES = 1 << 1

/** "Option types". */
export const OPT = {
  exportName: 1,
  abort: 2,
  list: 3,
  startTls: 5,
  info: 6,
  go: 7,
  structuredReply: 8,
  listMetaContext: 9,
  setMetaContext: 10,
} as const

/** "Option reply types". Bit 31 marks an error. */
export const REP = {
  ack: 1,
  server: 2,
  info: 3,
  metaContext: 4,
  unsupported: 0x80000001,
  policy: 0x80000002,
  invalid: 0x80000003,
  tlsRequired: 0x80000005,
  unknown: 0x80000006,
  tooBig: 0x80000009,
} as const

/** "Option reply types", NBD_REP_INFO: the kinds of information. */
export const INFO = { export: 0, name: 1, description: 2, blockSize: 3 } as const

/** "Transmission flags". */
export const FLAG = {
  hasFlags: 1 << 0,
  readOnly: 1 << 1,
  sendFlush: 1 << 2,
  sendFua: 1 << 3,
  sendTrim: 1 << 5,
  sendWriteZeroes: 1 << 6,
  sendDf: 1 << 7,
  canMultiConn: 1 << 8,
  sendCache: 1 << 10,
  sendFastZero: 1 << 11,
} as const

/** "Request message" and the two kinds of reply message. */
export const REQUEST_MAGIC = 0x25609513
export const SIMPLE_REPLY_MAGIC = 0x67446698
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef
export const REQUEST_BYTES = 28
export const SIMPLE_REPLY_BYTES = 16
export const CHUNK_HEADER_BYTES = 20

/** "Request types". */
export const CMD = {
  read: 0,
  write: 1,
  disconnect: 2,
  flush: 3,
  trim: 4,
  cache: 5,
  writeZeroes: 6,
  blockStatus: 7,
} as const

/** "Command flags". */
export const CMD_FLAG = { fua: 1 << 0, noHole: 1 << 1, df: 1 << 2, reqOne: 1 << 3, fastZero: 1 << 4 } as const

/** "Structured reply types" and "Structured reply flags". */
export const CHUNK = {
  none: 0,
  offsetData: 1,
  offsetHole: 2,
  blockStatus: 5,
  error: 0x8001,
} as const
export const CHUNK_DONE = 1

/** "Error values": NBD's own numbers, whatever the host's errno.h says. */
export const NBD_ERROR = { perm: 1, io: 5, inval: 22, nospc: 28, overflow: 75, notsup: 95 } as const
export type NbdErrno = (typeof NBD_ERROR)[keyof typeof NBD_ERROR]

/** "Metadata contexts": the one that the specification itself defines, and its two bits. */
export const BASE_ALLOCATION = 'base:allocation'
export const STATE_HOLE_ZERO = 0b11
/** Ours to choose: the id that SET_META_CONTEXT hands out. */
export const BASE_ALLOCATION_ID = 1

/** "Block size constraints": any alignment works, pages work best, and 32 MiB is what clients assume anyway. */
export const MINIMUM_BLOCK = 1
export const PREFERRED_BLOCK = 4096
export const MAXIMUM_PAYLOAD = 32 * 1024 * 1024
/** "Values", strings: no longer than this. */
export const MAXIMUM_STRING = 4096
