/**
 * Mutated images and packets by the million: `npm run fuzz`, or `npm run fuzz -- --format vhdx --count 200000 --seed 7`.
 *
 * A worker process for each core damages sample images of every format and does to them all that Vivarium does to an
 * image. It must work or be refused by an error of ours: no crash, no hang, no read outside the file, no memory
 * beyond a bound. What fails is told with the numbers that repeat it: `--format F --seed S --only I`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { diskFormats } from '../../src/disk/index.ts'
import { protocols } from './protocols/index.ts'
import type { FuzzNews, FuzzOrder } from './worker.ts'

/** Longer than this no image takes, whatever it says: then it hangs. */
const HANG_MS = 20_000
const MOST_MEMORY_BYTES = 768 << 20
/** One job of a worker; the seed of a job is the run's seed plus its first image. */
const JOB_IMAGES = 2000

export interface FuzzOptions {
  readonly formats: readonly string[]
  readonly count: number
  readonly seed: number
  readonly workers?: number
}

export interface FuzzResult {
  readonly format: string
  readonly images: number
  readonly refused: number
  readonly peakBytes: number
  readonly slowestMs: number
  readonly failures: readonly string[]
}

export async function fuzz({
  formats,
  count,
  seed,
  workers = cpus().length,
}: FuzzOptions): Promise<FuzzResult[]> {
  const results: FuzzResult[] = []
  for (const format of formats) results.push(await fuzzFormat(format, count, seed, workers))
  return results
}

async function fuzzFormat(format: string, count: number, seed: number, workers: number): Promise<FuzzResult> {
  let next = 0
  const total = { format, images: 0, refused: 0, peakBytes: 0, slowestMs: 0, failures: [] as string[] }
  const takeJob = (): FuzzOrder | undefined => {
    if (next >= count || total.failures.length >= 5) return undefined
    const first = next
    next = Math.min(count, next + JOB_IMAGES)
    return { format, seed, first, end: next }
  }
  const run = async () => {
    for (let order = takeJob(); order !== undefined; order = takeJob()) {
      const news = await runJob(order)
      total.images += news.images
      total.refused += news.refused
      total.peakBytes = Math.max(total.peakBytes, news.peakBytes)
      total.slowestMs = Math.max(total.slowestMs, news.slowestMs)
      if (news.failure !== undefined) total.failures.push(news.failure)
      if (news.peakBytes > MOST_MEMORY_BYTES)
        total.failures.push(
          `${format}: ${news.peakBytes >> 20} MiB of memory in images ${order.first} to ${order.end}, seed ${seed}`,
        )
    }
  }
  await Promise.all(Array.from({ length: workers }, run))
  return total
}

let idle: ChildProcess[] = []

function runJob(order: FuzzOrder): Promise<FuzzNews> {
  const child = idle.pop() ?? fork(fileURLToPath(new URL('./worker.ts', import.meta.url)))
  let at = order.first
  return new Promise((resolve) => {
    const end = (news: FuzzNews, reuse: boolean) => {
      clearTimeout(watch)
      child.removeAllListeners()
      if (reuse) idle.push(child)
      else child.kill('SIGKILL')
      resolve(news)
    }
    const lost = (why: string) =>
      end(
        {
          images: at - order.first,
          refused: 0,
          peakBytes: 0,
          slowestMs: 0,
          failure: `${order.format}: ${why} at image ${at} or soon after, seed ${order.seed}`,
        },
        false,
      )
    const hang = () => lost(`no answer for ${HANG_MS / 1000} s`)
    let watch = setTimeout(hang, HANG_MS)
    child.on('message', (message: { at: number } | FuzzNews) => {
      clearTimeout(watch)
      watch = setTimeout(hang, HANG_MS)
      if ('at' in message) at = message.at
      else end(message, message.failure === undefined)
    })
    child.once('exit', (code, signal) => lost(`the worker ended (${signal ?? code})`))
    child.send(order)
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      format: { type: 'string', multiple: true },
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      only: { type: 'string' },
      workers: { type: 'string' },
    },
  })
  const formats = values.format ?? [...diskFormats.map(({ name }) => name), ...protocols]
  const seed = Number(values.seed)
  if (values.only !== undefined) {
    const { repeat } = await import('./worker.ts')
    await repeat({ format: formats[0]!, seed, first: Number(values.only), end: Number(values.only) + 1 })
    return
  }
  let failed = false
  for (const format of formats) {
    const started = performance.now()
    const [result] = await fuzz({
      formats: [format],
      count: Number(values.count),
      seed,
      ...(values.workers && { workers: Number(values.workers) }),
    })
    const { images, refused, peakBytes, slowestMs, failures } = result!
    const seconds = (performance.now() - started) / 1000
    console.log(
      `${format.padEnd(6)} ${images} images, ${((refused / Math.max(1, images)) * 100).toFixed(0)} % refused at opening, slowest ${slowestMs.toFixed(0)} ms, peak ${peakBytes >> 20} MiB, ${seconds.toFixed(0)} s`,
    )
    for (const failure of failures) console.error(failure)
    failed ||= failures.length > 0
  }
  for (const child of idle) child.kill()
  process.exitCode = failed ? 1 : 0
}

export function endWorkers(): void {
  for (const child of idle) child.kill()
  idle = []
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
