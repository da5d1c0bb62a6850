import { setTimeout as sleep } from 'node:timers/promises'
import { isSameProcess, type ProcessIdentity } from '../../../system/index.ts'

const LOOK_MS = 15

/** True when the process is gone within the limit. Works for our own children and for those of a dead server. */
export async function waitUntilGone(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs
  while (isSameProcess(identity)) {
    if (performance.now() >= end) return false
    await sleep(LOOK_MS)
  }
  return true
}

/**
 * Waits for a process to go, then asks it (SIGTERM, on which QEMU flushes and leaves), then ends it. Signals go
 * to that very process, never to another that got its number. False: it survived SIGKILL, stuck in the kernel.
 */
export async function endProcess(
  identity: ProcessIdentity,
  limits: { readonly waitMs: number; readonly termMs: number; readonly killMs: number },
): Promise<boolean> {
  if (await waitUntilGone(identity, limits.waitMs)) return true
  signal(identity, 'SIGTERM')
  if (await waitUntilGone(identity, limits.termMs)) return true
  signal(identity, 'SIGKILL')
  return waitUntilGone(identity, limits.killMs)
}

function signal(identity: ProcessIdentity, name: NodeJS.Signals): void {
  if (!isSameProcess(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch {
    // It went between the two lines.
  }
}
