/** Milliseconds to wait before try number `attempt` (1, 2, ...): doubles from half a second to at most ten. */
export function backoffMs(attempt: number): number {
  return Math.min(10_000, 250 * 2 ** Math.min(attempt, 10))
}
