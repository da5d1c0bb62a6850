import { CMD, CMD_FLAG, REQUEST_MAGIC } from './constants.ts'
import type { NbdFailure } from './export.ts'
import type { Incoming } from './incoming.ts'

/** "Request message". One object per connection, filled again for every request. */
export class Request {
  flags = 0
  type = 0
  /** The client's own mark, returned as it came; two halves because it means nothing as a number. */
  cookieHigh = 0
  cookieLow = 0
  /** Byte offset; above 2^53 it is inexact, and far beyond any disk all the same. */
  offset = 0
  length = 0

  /** magic(32) flags(16) type(16) cookie(64) offset(64) length(32); false when the magic is wrong. */
  decode({ view, start }: Incoming): boolean {
    this.flags = view.getUint16(start + 4)
    this.type = view.getUint16(start + 6)
    this.cookieHigh = view.getUint32(start + 8)
    this.cookieLow = view.getUint32(start + 12)
    this.offset = view.getUint32(start + 16) * 0x1_0000_0000 + view.getUint32(start + 20)
    this.length = view.getUint32(start + 24)
    return view.getUint32(start) === REQUEST_MAGIC
  }
}

export interface RequestRule {
  readonly name: NbdFailure['request'] | 'cache' | 'disconnect'
  /** "Command flags" that belong to it. FUA is allowed with every command. */
  readonly flags: number
  /** It changes the disk. */
  readonly writes: boolean
  /** Its offset and length name a range of the disk. */
  readonly ranged: boolean
}

/** "Request types", by number; anything else is answered EINVAL. */
export const REQUEST_RULES: readonly (RequestRule | undefined)[] = Object.assign([], {
  [CMD.read]: { name: 'read', flags: CMD_FLAG.fua | CMD_FLAG.df, writes: false, ranged: true },
  [CMD.write]: { name: 'write', flags: CMD_FLAG.fua, writes: true, ranged: true },
  [CMD.disconnect]: { name: 'disconnect', flags: CMD_FLAG.fua, writes: false, ranged: false },
  [CMD.flush]: { name: 'flush', flags: CMD_FLAG.fua, writes: false, ranged: false },
  [CMD.trim]: { name: 'trim', flags: CMD_FLAG.fua, writes: true, ranged: true },
  [CMD.cache]: { name: 'cache', flags: CMD_FLAG.fua, writes: false, ranged: true },
  [CMD.writeZeroes]: {
    name: 'write-zeroes',
    flags: CMD_FLAG.fua | CMD_FLAG.noHole | CMD_FLAG.fastZero,
    writes: true,
    ranged: true,
  },
  [CMD.blockStatus]: {
    name: 'block-status',
    flags: CMD_FLAG.fua | CMD_FLAG.reqOne,
    writes: false,
    ranged: true,
  },
} satisfies Record<number, RequestRule>)
