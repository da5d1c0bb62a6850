import type { ByteStore, Problem } from '../../base/index.ts'
import type { Surgery } from './surgery.ts'

/**
 * The doctor of one format. One walk through the structures does both: it reports each fault, and heals it in the
 * surgery, where what can be healed can. Checking throws the surgery away; so a check and a repair never disagree.
 *
 * A doctor yields the part that is done, 0 to 1, often enough that nobody waits long for an answer.
 */
export interface Doctor {
  readonly format: string
  /** Whether it may be such a file, however damaged: looser than the format's own probe. */
  recognises(store: ByteStore, name: string): boolean
  treat(surgery: Surgery, report: Report, options: TreatOptions): Generator<number, void>
}

export interface TreatOptions {
  /** Look at bitmaps and data too, which takes as long as reading them. */
  readonly deep: boolean
  /** A person says that the file is a fixed VHD's content, which no byte of it may show. */
  readonly fixed?: boolean
  /** 16 random bytes, for an identity that is lost. */
  newId(): Uint8Array
}

/** Tells one fault. */
export type Report = (problem: Problem) => void
