import { setImmediate } from 'node:timers/promises'
import type { OperationControl } from './operation.ts'

/** How long an operation may keep the process to itself: others of it answer meanwhile. */
const TURN_MS = 10

/**
 * For loops that do their work in small steps: `await pace()` once a step lets others run every 10 ms, and throws
 * the signal's reason when the operation was stopped. Costs next to nothing in between.
 */
export function paceOf({ signal }: Pick<OperationControl, 'signal'>): () => Promise<void> | undefined {
  signal.throwIfAborted()
  let turnBegan = performance.now()
  return () => {
    signal.throwIfAborted()
    if (performance.now() - turnBegan < TURN_MS) return undefined
    return takeTurn()
  }

  async function takeTurn(): Promise<void> {
    await setImmediate()
    signal.throwIfAborted()
    turnBegan = performance.now()
  }
}

/** A part of an operation as an operation of its own: its progress goes from `from` to `to` of the whole. */
export function partOf(control: OperationControl, from: number, to: number): OperationControl {
  return {
    ...control,
    progress: (fraction, detail) => control.progress(from + fraction * (to - from), detail),
  }
}
