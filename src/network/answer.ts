/**
 * What a protocol says to a packet. Malformed input is an answer, never an exception: the network counts it and
 * lives on. Decoders return the decoded packet or one of the two refusals, handlers one of all three.
 */
export type Refusal = 'not-mine' | 'malformed'
export type Answer = Refusal | 'handled'

export interface AnswerCounts {
  handled: number
  'not-mine': number
  malformed: number
}

export function noAnswers(): AnswerCounts {
  return { handled: 0, 'not-mine': 0, malformed: 0 }
}
