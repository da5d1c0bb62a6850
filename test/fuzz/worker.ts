import { fileURLToPath } from 'node:url'
import { exercise } from './exercise.ts'
import { mendChecksums } from './mend.ts'
import { mutate, type Random } from './mutate.ts'
import { protocolCase } from './protocols/index.ts'
import { type Sample, samplesOf } from './samples.ts'

export interface FuzzOrder {
  readonly format: string
  readonly seed: number
  readonly first: number
  readonly end: number
}

export interface FuzzNews {
  readonly images: number
  /** How many the format did not open at all. */
  readonly refused: number
  readonly peakBytes: number
  readonly slowestMs: number
  readonly failure?: string
}

/** Told so often that the parent can tell a hang from patience. */
const TELL_EVERY = 50

/** Every image depends on seed and number alone, so that any one can be made again. */
function randomFor(seed: number, index: number): Random {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0
  return (limit) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) / 2 ** 32) * limit)
  }
}

function damagedImage(
  samples: readonly Sample[],
  { format, seed }: FuzzOrder,
  index: number,
): { sample: Sample; pick: Random } {
  const pick = randomFor(seed, index)
  pick(2) // the first numbers of neighbouring seeds are alike
  const sample = samples[index % samples.length]!
  sample.store.reset()
  mutate(sample.store, sample.structures, pick)
  if (pick(10) < 7) mendChecksums(format, sample.store)
  return { sample, pick }
}

function isRefused({ subject }: Sample): boolean {
  try {
    subject.format.read(subject.store, subject.options.surroundings)
    return false
  } catch {
    return true
  }
}

function work(order: FuzzOrder): FuzzNews {
  const samples = samplesOf(order.format)
  let refused = 0
  let peakBytes = 0
  let slowestMs = 0
  for (let index = order.first; index < order.end; index++) {
    const { sample, pick } = damagedImage(samples, order, index)
    if (isRefused(sample)) refused++
    const started = performance.now()
    try {
      exercise(sample.subject, pick)
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
      const failure = `--format ${order.format} --seed ${order.seed} --only ${index} (${sample.name}): ${text}`
      return { images: index + 1 - order.first, refused, peakBytes, slowestMs, failure }
    }
    slowestMs = Math.max(slowestMs, performance.now() - started)
    if (index % TELL_EVERY === 0) {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss())
      process.send?.({ at: index })
    }
  }
  return { images: order.end - order.first, refused, peakBytes, slowestMs }
}

/** The same for packets; `images` are cases here. */
async function workOnProtocol(
  order: FuzzOrder,
  run: NonNullable<ReturnType<typeof protocolCase>>,
): Promise<FuzzNews> {
  const news = { refused: 0, peakBytes: 0, slowestMs: 0 }
  let unhandled: unknown
  const note = (error: unknown) => {
    unhandled = error
  }
  process.on('unhandledRejection', note)
  try {
    for (let index = order.first; index < order.end; index++) {
      const started = performance.now()
      try {
        if ((await run(randomFor(order.seed, index))).refused) news.refused++
        if (unhandled !== undefined) throw unhandled
      } catch (error) {
        const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
        const failure = `--format ${order.format} --seed ${order.seed} --only ${index}: ${text}`
        return { images: index + 1 - order.first, ...news, failure }
      }
      news.slowestMs = Math.max(news.slowestMs, performance.now() - started)
      if (index % TELL_EVERY === 0) {
        news.peakBytes = Math.max(news.peakBytes, process.memoryUsage.rss())
        process.send?.({ at: index })
      }
    }
  } finally {
    process.off('unhandledRejection', note)
  }
  return { images: order.end - order.first, ...news }
}

async function workOn(order: FuzzOrder): Promise<FuzzNews> {
  const run = protocolCase(order.format)
  return run === undefined ? work(order) : workOnProtocol(order, run)
}

/** One image or case again, with its error in the open. */
export async function repeat(order: FuzzOrder): Promise<void> {
  const run = protocolCase(order.format)
  if (run !== undefined) {
    console.log(await run(randomFor(order.seed, order.first)))
    return
  }
  const { sample, pick } = damagedImage(samplesOf(order.format), order, order.first)
  console.log(`${sample.name}, ${sample.store.size()} bytes, ${isRefused(sample) ? 'refused' : 'opened'}`)
  exercise(sample.subject, pick)
  console.log('nothing wrong')
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.on('message', (order: FuzzOrder) => void workOn(order).then((news) => process.send!(news)))
