import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Ends a process that was started here, and resolves when it is gone; one that has ended already is left alone. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, 'exit')
}
