import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

/** What `unshare` is told: a network of its own, without being root. */
export const NEW_NAMESPACE = ['--map-root-user', '--net', '--mount']

/** What `nsenter` is told, to run a command in a namespace that lives as long as this process. */
export function into({ pid }: ChildProcess): string[] {
  return ['--target', String(pid), '--user', '--net', '--mount', '--preserve-credentials', '--']
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A folder for what a rival leaves behind. */
export function folderOf(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path)
  return path
}
