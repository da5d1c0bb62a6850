import { execFileSync } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { nativeFiles } from '../src/system/index.ts'
import { convert } from '../src/workshop/index.ts'

/**
 * `disk convert` against `qemu-img convert -W -m 16`, on the same files in the same run: a disk of 1 GiB, half filled
 * with bytes that do not compress, scattered. Ours ends when the new image is on stable storage; QEMU's does that with
 * `-t writeback`, and by default (`unsafe`) leaves it to the kernel: both are shown. The ratio is QEMU's time through
 * ours, above 1 = we are faster. Cold: the source was forgotten by the page cache before each run.
 */
const SIZE_MB = Number(process.env.CONVERT_MB ?? 1024)
const ROUNDS = Number(process.env.CONVERT_ROUNDS ?? 5)
const MiB = 1024 * 1024

interface Case {
  readonly from: 'raw' | 'vhd' | 'vmdk'
  readonly to: 'raw' | 'vhd' | 'vhdx' | 'qcow2'
}

const CASES: readonly Case[] = [
  { from: 'vhd', to: 'raw' },
  { from: 'raw', to: 'vhd' },
  { from: 'vhd', to: 'vhdx' },
  { from: 'vhd', to: 'qcow2' },
  { from: 'vmdk', to: 'vhd' },
]

const QEMU_NAMES = { raw: 'raw', vhd: 'vpc', vhdx: 'vhdx', qcow2: 'qcow2', vmdk: 'vmdk' } as const
const folder = mkdtempSync(join(tmpdir(), 'viv-bench-'))
const at = (name: string) => join(folder, name)

/** Runs of 16 KiB to 4 MiB of random bytes, with gaps of the same kind. */
function makeSources(): void {
  const fd = openSync(at('source.raw'), 'w')
  ftruncateSync(fd, SIZE_MB * MiB)
  const buffer = Buffer.alloc(4 * MiB)
  let state = 1
  const next = (limit: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  for (let offset = 0; offset < SIZE_MB * MiB; ) {
    const length = Math.min((4 + next(8) ** 3) * 4096 * (1 + next(3)), buffer.length, SIZE_MB * MiB - offset)
    randomFillSync(buffer, 0, length)
    writeSync(fd, buffer, 0, length, offset)
    offset += length + (4 + next(8) ** 3) * 4096 * (1 + next(3))
  }
  closeSync(fd)
  for (const format of ['vhd', 'vmdk'] as const)
    qemuImg([
      'convert',
      '-O',
      QEMU_NAMES[format],
      ...optionsFor(format),
      at('source.raw'),
      at(`source.${format}`),
    ])
  execFileSync('sync')
}

function optionsFor(format: string): string[] {
  return format === 'vhd' ? ['-o', 'force_size=on'] : []
}

function qemuImg(args: readonly string[]): void {
  execFileSync('qemu-img', args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

function forget(path: string): void {
  const fd = openSync(path, 'r')
  nativeFiles()?.forget(fd, 0, 0)
  closeSync(fd)
}

async function timed(action: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now()
  await action()
  return performance.now() - began
}

const CONTROL = { signal: new AbortController().signal, roots: ['/'], progress: () => {}, note: () => {} }

function ours({ from, to }: Case): Promise<unknown> {
  const spec = { source: at(`source.${from}`), target: at(`ours.${to === 'raw' ? 'img' : to}`), format: to }
  return convert.run(convert.schema.parse(spec), CONTROL)
}

function theirs({ from, to }: Case, cache: 'unsafe' | 'writeback'): void {
  const formats = ['-f', QEMU_NAMES[from], '-O', QEMU_NAMES[to]]
  qemuImg([
    ...['convert', '-W', '-m', '16', '-t', cache, ...formats, ...optionsFor(to)],
    ...[at(`source.${from}`), at(`theirs.${to}`)],
  ])
}

function requireEqual({ from, to }: Case): void {
  const target = at(`ours.${to === 'raw' ? 'img' : to}`)
  qemuImg(['compare', '-f', QEMU_NAMES[from], '-F', QEMU_NAMES[to], at(`source.${from}`), target])
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0
const show = (milliseconds: number) => `${milliseconds.toFixed(0)} ms`.padStart(8)

async function measure(each: Case, cache: 'warm' | 'cold'): Promise<void> {
  const source = at(`source.${each.from}`)
  const times = { ours: [] as number[], writeback: [] as number[], unsafe: [] as number[] }
  const sides = {
    ours: () => ours(each),
    writeback: () => theirs(each, 'writeback'),
    unsafe: () => theirs(each, 'unsafe'),
  }
  for (let round = 0; round <= ROUNDS; round++)
    for (const side of ['ours', 'writeback', 'unsafe'] as const) {
      if (cache === 'cold') forget(source)
      const took = await timed(sides[side])
      // The first round warms up, and shows that the result is right.
      if (round > 0) times[side].push(took)
      else if (side === 'ours') requireEqual(each)
      for (const name of ['ours', 'theirs'])
        rmSync(at(`${name}.${name === 'ours' && each.to === 'raw' ? 'img' : each.to}`), { force: true })
      execFileSync('sync')
    }
  const mine = median(times.ours)
  const [safe, unsafe] = [median(times.writeback), median(times.unsafe)]
  console.log(
    `${`${each.from} -> ${each.to}`.padEnd(14)} ${cache}  ours ${show(mine)}   qemu-img ${show(safe)}  ratio ${(safe / mine).toFixed(2)}` +
      `   without flush ${show(unsafe)}  ratio ${(unsafe / mine).toFixed(2)}`,
  )
}

try {
  makeSources()
  console.log(`convert, ${SIZE_MB} MiB half full, median of ${ROUNDS}`)
  for (const cache of ['warm', 'cold'] as const) for (const each of CASES) await measure(each, cache)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
