import { basename, extname } from 'node:path'
import { addAbortSignal } from 'node:stream'
import type { Command } from 'commander'
import { formatSize, parseSize, VivariumError } from '../../../base/index.ts'
import { writeInOrder } from '../../../system/index.ts'
import {
  type Converted,
  convertInput,
  convertToStream,
  convert as operation,
} from '../../../workshop/index.ts'
import { collect, defineVerb, printJson } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderProblems } from '../../render/problems.ts'
import { inControl, runOperation } from '../../run-operation.ts'
import { demandPipe } from '../../terminal.ts'
import { type ImageOptions, imageOptions, wishOf } from './image-options.ts'

interface ConvertOptions extends ImageOptions {
  to?: string
  from?: string
  size?: string
  verify?: boolean
  search: string[]
  json?: boolean
}

export function convert(disk: Command): void {
  imageOptions(
    defineVerb(
      disk,
      'convert <source> <target>',
      'make a disk of its own from any image or chain; "-" is standard input or output',
    )
      .option('--from <format>', 'with "-" as the source: what comes; raw when absent')
      .option('--size <size>', 'with "-" as the source: bytes that have to come, such as 8G')
      .option('--to <format>', 'vhd, vhdx, vmdk, vdi, qcow2, raw; by the ending when absent'),
  )
    .option('--verify', 'read both again and compare them')
    .option('--search <folder>', 'look here for parents too (repeat for more)', collect, [])
    .action(convertFile)
}

async function convertFile(source: string, target: string, options: ConvertOptions): Promise<void> {
  if (source === '-') return fromStandardInput(target, options)
  if (options.from !== undefined || options.size !== undefined)
    throw new VivariumError('invalid', 'only-for-input', 'A file tells its format and its size itself.', {
      next: 'Leave --from and --size out, or name "-" as the source.',
    })
  if (target === '-') return toStandardOutput(source, options)
  const { to, verify, search, json } = options
  const spec = {
    source: pathOf(source),
    target: pathOf(target),
    ...wishOf(to, options),
    verify: verify === true,
  }
  await runOperation(operation, spec, { json, searchFolders: search.map(pathOf), describe })
}

function describe({ path, format, subformat, virtualSize, allocated, sourceFiles }: Converted): string {
  const chain = sourceFiles.length > 1 ? `, from a chain of ${sourceFiles.length} files` : ''
  return `Made ${path}: ${subformat} ${format}, ${formatSize(virtualSize)}, ${formatSize(allocated)} on this computer${chain}.`
}

async function fromStandardInput(target: string, options: ConvertOptions): Promise<void> {
  const { to, from, size, verify, json } = options
  if (target === '-')
    throw new VivariumError('invalid', 'pipe-to-pipe', 'One of the two must be a file.', {
      next: 'Name a file as the target, then convert that to "-".',
    })
  if (process.stdin.isTTY)
    throw new VivariumError('invalid', 'input-is-terminal', 'A disk does not come from a terminal.', {
      next: 'Send it from a file or another program: < FILE, PROGRAM |.',
    })
  const spec = {
    inputName: 'standard input',
    inputFormat: from,
    sizeBytes: size === undefined ? undefined : sizeFrom(size),
    target: pathOf(target),
    ...wishOf(to, options),
    verify: verify === true,
  }
  const title = `Convert standard input to ${basename(target)}`
  const { result, notes } = await inControl({ title }, (control) => {
    // It may be silent for long, and is not waited for once it is stopped.
    const input = addAbortSignal(control.signal, process.stdin)
    return convertInput({ ...spec, input }, control)
  })
  if (notes.length > 0 && !json) console.error(renderProblems(notes))
  if (json) printJson({ ...result, notes })
  else console.log(describe(result))
}

function sizeFrom(text: string): number {
  const size = parseSize(text)
  if (size !== undefined) return size
  throw new VivariumError('invalid', 'invalid-size', `"${text}" is no size.`, {
    where: { field: 'size' },
    next: 'Write it like --size 512M or --size 16G.',
  })
}

async function toStandardOutput(source: string, options: ConvertOptions): Promise<void> {
  const { to, verify, search } = options
  if (verify || options.json)
    throw new VivariumError(
      'invalid',
      'not-for-a-pipe',
      'A pipe carries the image, and nothing besides it.',
      {
        next: 'Leave --verify and --json out, or name a file.',
      },
    )
  demandPipe('A disk')
  const wish = wishOf(to, options)
  // The format's own texts name the image: after the source, as there is no target.
  const name = `${basename(source, extname(source))}.${to ?? 'img'}`
  const { notes } = await inControl(
    {
      title: `Convert ${basename(source)}`,
      searchFolders: search.map(pathOf),
      ifStopped: 'Not all of the image came out.',
    },
    async (control) => {
      const stream = await convertToStream({ source: pathOf(source), name, ...wish }, control)
      return writeInOrder(1, stream.pieces(), 'standard output')
    },
  )
  if (notes.length > 0) console.error(renderProblems(notes))
}
