import type { TftpRequest } from './packet.ts'

/** What a transfer agreed on: the options of RFC 2348 (blksize), 2349 (timeout, tsize) and 7440 (windowsize). */
export interface TftpAgreement {
  readonly blockBytes: number
  readonly windowBlocks: number
  /** Seconds between repetitions; undefined = ours, which become longer. */
  readonly timeoutSeconds: number | undefined
  /** To be told in an OACK; empty = the client asked for nothing that is known, and gets data at once. */
  readonly told: ReadonlyMap<string, string>
}

const DEFAULT_BLOCK_BYTES = 512
/** RFC 2348: the least that may be asked for. */
const LEAST_BLOCK_BYTES = 8
/** A window in flight is for the switch to hold. */
const MOST_WINDOW_BLOCKS = 64

/**
 * An option with a value that its RFC does not allow is left out of the answer, as if it were not known (RFC 2347).
 *
 * @param size of the file in bytes; undefined when the mode changes it
 * @param mostBlockBytes what one packet carries
 */
export function agree(
  { options }: TftpRequest,
  size: number | undefined,
  mostBlockBytes: number,
): TftpAgreement {
  const told = new Map<string, string>()
  const number = (name: string, least: number, most: number) => {
    const text = options.get(name)
    if (text === undefined || !/^\d{1,10}$/.test(text)) return undefined
    const value = Number(text)
    return value >= least && value <= most ? value : undefined
  }
  const wantedBlock = number('blksize', LEAST_BLOCK_BYTES, 65_464)
  const blockBytes = Math.min(wantedBlock ?? DEFAULT_BLOCK_BYTES, mostBlockBytes)
  if (wantedBlock !== undefined) told.set('blksize', String(blockBytes))
  const timeoutSeconds = number('timeout', 1, 255)
  if (timeoutSeconds !== undefined) told.set('timeout', String(timeoutSeconds))
  if (options.has('tsize') && size !== undefined) told.set('tsize', String(size))
  const wantedWindow = number('windowsize', 1, 65_535)
  const windowBlocks = Math.min(wantedWindow ?? 1, MOST_WINDOW_BLOCKS)
  if (wantedWindow !== undefined) told.set('windowsize', String(windowBlocks))
  return { blockBytes, windowBlocks, timeoutSeconds, told }
}
