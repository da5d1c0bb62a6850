import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Client, createClient, type Input, type MachineSummary, type Task } from '../../src/api/index.ts'
import { end } from './processes.ts'

export const checkout = resolve(import.meta.dirname, '../..')
export const bin = join(checkout, 'bin/vivarium.js')

/** A real server in a process of its own, as a user starts it. */
export interface ServerProcess {
  readonly url: string
  readonly signInLink: string
  readonly data: string
  readonly client: Client
  readonly child: ChildProcess
  /** What it wrote to standard error so far. */
  errors(): string
  /** Ends it and resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

export function newFolder(t: TestContext, name = 'vivarium-e2e-'): string {
  const folder = mkdtempSync(join(tmpdir(), name))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startServer(t: TestContext, data: string, args: string[] = []): Promise<ServerProcess> {
  const child = spawn(process.execPath, [bin, 'serve', '--port', '0', '--data', data, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: data,
  })
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const stop = (signal?: NodeJS.Signals) => end(child, signal)
  t.after(() => stop())
  const line = await until('the server prints its line', () => {
    if (child.exitCode !== null) throw new Error(`The server ended: ${errors}`)
    return /is at (\S+) - sign in once with (\S+)/.exec(output) ?? undefined
  })
  const url = line[1]!
  const token = readFileSync(join(data, 'cli-token'), 'utf8').trim()
  return {
    url,
    signInLink: line[2]!,
    data,
    client: createClient({ base: url, token }),
    child,
    errors: () => errors,
    stop,
  }
}

/** Waits for a value, and says what it waited for when it never came. */
export async function until<Value>(
  what: string,
  read: () => Value | undefined | Promise<Value | undefined>,
  seconds = 60,
): Promise<Value> {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const value = await read()
    if (value !== undefined && value !== false) return value
    if (Date.now() > end) throw new Error(`Waited ${seconds} s in vain: ${what}.`)
    await sleep(50)
  }
}

export async function machineNamed(client: Client, name: string): Promise<MachineSummary> {
  const found = (await client('machines', {})).find((machine) => machine.name === name)
  if (found === undefined) throw new Error(`There is no machine ${name}.`)
  return found
}

export async function inState(
  client: Client,
  id: string,
  state: MachineSummary['state'],
): Promise<MachineSummary> {
  return until(`state ${state}`, async () => {
    const machine = (await client('machines', {})).find((each) => each.id === id)
    return machine?.state === state ? machine : undefined
  })
}

export async function taskDone(client: Client, id: string): Promise<Task> {
  return until('the task ends', async () => {
    const task = await client('task', { id })
    return task.state === 'running' ? undefined : task
  })
}

export async function createMachine(client: Client, input: Input<'createMachine'>): Promise<MachineSummary> {
  const { taskId } = await client('createMachine', input)
  const task = await taskDone(client, taskId)
  if (task.state !== 'done') throw new Error(JSON.stringify(task.error))
  return client('machine', { id: task.machineId! })
}
