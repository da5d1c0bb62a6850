import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type Client,
  createClient,
  errorOf,
  type MachineSummary,
  type NetworkSummary,
  type Task,
} from '../api/index.ts'
import { VivariumError } from '../base/index.ts'
import { dataFolderAt, defaultDataFolder, findServer } from '../server/index.ts'
import { harmless } from './terminal.ts'

/** Reaches the running server of this user. @throws VivariumError kind `unavailable` when there is none. */
export function connect(): Client {
  return createClient(findRunningServer())
}

/** A body that is not JSON, such as a live capture. @throws VivariumError as the server said it. */
export async function openDownload(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  const { base, token } = findRunningServer()
  const response = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` }, signal })
  if (!response.ok || response.body === null) throw errorOf(response.status, await response.text())
  return response.body
}

function findRunningServer(): { readonly base: string; readonly token: string } {
  const folder = dataFolderAt(defaultDataFolder())
  const server = findServer(folder)
  if (server === undefined || server.url === '') {
    throw new VivariumError(
      'unavailable',
      'no-server',
      'No Vivarium server is running for this data folder.',
      {
        where: { path: folder.root },
        next: 'Start one with "vivarium serve" (or "npm start" in a checkout), or set VIVARIUM_DATA to its folder.',
      },
    )
  }
  return { base: server.url, token: readFileSync(folder.cliToken, 'utf8').trim() }
}

/** A network by its name (case does not matter), its key or its id. */
export async function findNetwork(client: Client, wanted: string): Promise<NetworkSummary> {
  const networks = await client('networks', {})
  const lower = wanted.toLowerCase()
  const found =
    networks.find(({ key, id }) => key === lower || id === lower) ??
    networks.find(({ name }) => name.toLowerCase() === lower)
  if (found !== undefined) return found
  throw new VivariumError('not-found', 'network-not-found', `There is no network "${wanted}".`, {
    next: 'See "vivarium network list".',
  })
}

/** A machine by its name (case does not matter), its id or the beginning of that, or the path of its file. */
export async function findMachine(client: Client, wanted: string): Promise<MachineSummary> {
  const machines = await client('machines', {})
  const lower = wanted.toLowerCase()
  const found = [
    machines.filter(({ id, path }) => id === wanted || path === wanted),
    machines.filter(({ name }) => name.toLowerCase() === lower),
    machines.filter(({ id }) => wanted.length >= 4 && id.startsWith(lower)),
  ].find((some) => some.length > 0)
  if (found === undefined) {
    throw new VivariumError('not-found', 'machine-not-found', `There is no machine "${wanted}".`, {
      next: 'See "vivarium machine list".',
    })
  }
  if (found.length > 1) {
    throw new VivariumError(
      'invalid',
      'machine-ambiguous',
      `${found.length} machines are called "${wanted}".`,
      {
        next: `Use an id: ${found.map(({ id, path }) => `${id.slice(0, 8)} (${path})`).join(', ')}.`,
      },
    )
  }
  return found[0]!
}

/** Waits for a task and shows its progress on standard error. @throws what the task failed with. */
export async function followTask(client: Client, id: string): Promise<Task> {
  const show = process.stderr.isTTY
  for (;;) {
    const task = await client('task', { id })
    if (show)
      process.stderr.write(
        `\r${harmless(`${task.title}: ${task.state === 'waiting' ? 'waiting for others to end' : `${task.percent.toFixed(0)} % ${task.detail ?? ''}`}`)}\x1b[K`,
      )
    if (task.state === 'running' || task.state === 'waiting') {
      await sleep(200)
      continue
    }
    if (show) process.stderr.write('\n')
    if (task.state === 'done') return task
    const error = task.error
    if (error === undefined)
      throw new VivariumError('conflict', 'task-cancelled', `"${task.title}" was cancelled.`)
    throw new VivariumError(error.kind, error.code, error.message, { where: error.where, next: error.next })
  }
}
