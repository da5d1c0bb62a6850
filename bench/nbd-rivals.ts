import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Load, LoadResult } from './nbd-client.ts'

/**
 * NBD servers under the same load, in turns; a line shows the medians, and the ratio ours / peer: above 1 = we are
 * faster. A third server, where there is one, shows how far any server in Node could go (nbd-floor.ts).
 */
const ROUNDS = 3
const MILLISECONDS = 600
const MiB = 1024 * 1024

export type Case = Omit<Load, 'socketPath' | 'exportName' | 'milliseconds'> & { readonly goal: number }

function apply(client: ChildProcess, load: Load): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const exited = () => reject(new Error('the load generator died'))
    client.once('exit', exited)
    client.once('message', (result: LoadResult) => {
      client.off('exit', exited)
      resolve(result)
    })
    client.send(load)
  })
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Operations per second of each server. */
async function measure(client: ChildProcess, sockets: readonly string[], test: Case): Promise<number[]> {
  const rates: number[][] = sockets.map(() => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, socketPath] of sockets.entries()) {
      const { goal: _, ...load } = test
      const result = await apply(client, {
        ...load,
        socketPath,
        exportName: 'bench',
        milliseconds: MILLISECONDS,
      })
      rates[index]!.push(result.operations / result.seconds)
    }
  }
  return rates.map(median)
}

function nameOf({ kind, order, requestBytes, depth }: Case): string {
  return `nbd ${order} ${kind} ${requestBytes >= MiB ? '1 MiB' : '4 KiB'} depth ${depth}`
}

function rateOf(rate: number, { requestBytes }: Case): string {
  return requestBytes >= MiB ? `${rate.toFixed(0)} MiB/s` : `${(rate / 1000).toFixed(1)}k/s`
}

/** All serve an export called `bench`: ours, the peer, the floor. Prints a line a case. */
export async function compare(
  sockets: readonly [string, string, string?],
  cases: readonly Case[],
): Promise<void> {
  const present = sockets.filter((socket) => socket !== undefined)
  const client = fork(join(import.meta.dirname, 'nbd-client.ts'), { serialization: 'advanced' })
  try {
    for (const test of cases) {
      const [own, peer, floor] = (await measure(client, present, test)) as [number, number, number?]
      const columns = [
        nameOf(test).padEnd(40),
        rateOf(own, test).padStart(12),
        rateOf(peer, test).padStart(12),
      ]
      const bound = floor === undefined ? '' : `, any server in Node at most ${(floor / peer).toFixed(2)}x`
      console.log(`${columns.join('  ')}  ${(own / peer).toFixed(2)}x  (goal ${test.goal}x${bound})`)
    }
  } finally {
    client.kill()
  }
}
