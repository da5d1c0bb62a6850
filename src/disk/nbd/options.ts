import { viewOf } from '../../base/index.ts'
import { MAXIMUM_STRING } from './constants.ts'

/** "Option types", NBD_OPT_INFO and NBD_OPT_GO. */
export interface InfoRequest {
  readonly exportName: string
  /** Kinds of information the client asks for. */
  readonly wanted: ReadonlySet<number>
}

/** "Option types", NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. */
export interface MetaContextRequest {
  readonly exportName: string
  readonly queries: readonly string[]
}

/** Name length(32) name count(16) count x kind(16); undefined when malformed. */
export function parseInfoRequest(data: Uint8Array): InfoRequest | undefined {
  const fields = new Fields(data)
  const exportName = fields.string()
  const count = fields.uint16()
  if (exportName === undefined || count === undefined || fields.left !== count * 2) return undefined
  const wanted = new Set<number>()
  for (let i = 0; i < count; i++) wanted.add(fields.uint16()!)
  return { exportName, wanted }
}

/** Name length(32) name count(32) count x (query length(32) query); undefined when malformed. */
export function parseMetaContextRequest(data: Uint8Array): MetaContextRequest | undefined {
  const fields = new Fields(data)
  const exportName = fields.string()
  const count = fields.uint32()
  if (exportName === undefined || count === undefined) return undefined
  const queries: string[] = []
  for (let i = 0; i < count; i++) {
    const query = fields.string()
    if (query === undefined) return undefined
    queries.push(query)
  }
  return fields.left === 0 ? { exportName, queries } : undefined
}

/** Reads fields one after the other; undefined once the data is too short or a string is too long. */
class Fields {
  readonly #data: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(data: Uint8Array) {
    this.#data = data
    this.#view = viewOf(data)
  }

  get left(): number {
    return this.#data.length - this.#at
  }

  uint16(): number | undefined {
    if (this.left < 2) return undefined
    this.#at += 2
    return this.#view.getUint16(this.#at - 2)
  }

  uint32(): number | undefined {
    if (this.left < 4) return undefined
    this.#at += 4
    return this.#view.getUint32(this.#at - 4)
  }

  string(): string | undefined {
    const length = this.uint32()
    if (length === undefined || length > this.left || length > MAXIMUM_STRING) return undefined
    this.#at += length
    return new TextDecoder().decode(this.#data.subarray(this.#at - length, this.#at))
  }
}
