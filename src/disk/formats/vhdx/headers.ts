import { type ByteStore, MiB, type Problem } from '../../../base/index.ts'
import { damaged, unsupported, warning } from './damage.ts'
import { NO_GUID } from './guid.ts'
import { formatHeader, HEADER_BYTES, HEADER_OFFSETS, type Header, parseHeader } from './header.ts'

/** Where a file's structures begin: identifier, headers and region tables fill the first megabyte. */
export const HEADER_SECTION_BYTES = MiB

export interface FoundHeaders {
  readonly current: Header
  /** 0 or 1: which of the two places holds it. */
  readonly slot: number
  readonly problems: readonly Problem[]
}

/** The valid header with the higher sequence number is the current one (MS-VHDX 2.2.2). */
export function findHeaders(store: ByteStore): FoundHeaders {
  const headers = HEADER_OFFSETS.map((offset) => readHeader(store, offset))
  const [first, second] = headers
  const slot = second !== undefined && (first === undefined || second.sequence > first.sequence) ? 1 : 0
  const current = headers[slot]
  if (current === undefined) {
    throw damaged('vhdx-headers-lost', 'Neither of the two headers has a right checksum.', {
      path: store.name,
      offset: HEADER_OFFSETS[0],
      field: 'header',
    })
  }
  checkHeader(store, current, HEADER_OFFSETS[slot]!)
  const problems = headers.flatMap((header, index) =>
    header !== undefined
      ? []
      : warning(
          'vhdx-header-lost',
          `Header ${index + 1} of 2 is damaged; the other one is used.`,
          { path: store.name, offset: HEADER_OFFSETS[index]!, field: 'header' },
          'Writing to the disk restores it.',
        ),
  )
  return { current, slot, problems }
}

function readHeader(store: ByteStore, offset: number): Header | undefined {
  if (offset + HEADER_BYTES > store.size()) return undefined
  const bytes = new Uint8Array(HEADER_BYTES)
  store.read(offset, bytes)
  return parseHeader(bytes)
}

function checkHeader(store: ByteStore, header: Header, offset: number): void {
  const where = { path: store.name, offset, field: 'header' }
  if (header.version !== 1 || (header.logGuid !== NO_GUID && header.logVersion !== 0)) {
    throw unsupported(
      'vhdx-version',
      `The header has version ${header.version} and log version ${header.logVersion}; 1 and 0 are known.`,
      where,
      'Convert the disk with the program that made it.',
    )
  }
  const { logOffset, logLength } = header
  const aligned = logOffset % MiB === 0 && logLength % MiB === 0
  if (!aligned || (logLength > 0 && (logOffset < MiB || logOffset + logLength > store.size()))) {
    throw damaged(
      'vhdx-log-outside-file',
      `The log (${logLength} bytes at byte ${logOffset}) does not lie in whole megabytes within the file of ${store.size()} bytes.`,
      where,
    )
  }
}

/**
 * Changes the headers. The one that is not current is written and flushed first, then the other (MS-VHDX 2.2.2.1):
 * whatever is lost or torn, one of them is whole and tells the truth.
 */
export class HeaderPair {
  readonly #store: ByteStore
  #current: Header
  #slot: number

  constructor(store: ByteStore, { current, slot }: FoundHeaders) {
    this.#store = store
    this.#current = current
    this.#slot = slot
  }

  get current(): Header {
    return this.#current
  }

  update(change: Partial<Pick<Header, 'fileWriteGuid' | 'dataWriteGuid' | 'logGuid'>>): void {
    for (let copy = 0; copy < 2; copy++) {
      const next = { ...this.#current, ...change, sequence: BigInt.asUintN(64, this.#current.sequence + 1n) }
      const slot = 1 - this.#slot
      this.#store.write(HEADER_OFFSETS[slot]!, formatHeader(next))
      this.#store.flush()
      this.#current = next
      this.#slot = slot
    }
  }
}
