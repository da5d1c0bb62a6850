import type { Command } from 'commander'
import { parseSize, VivariumError } from '../../../base/index.ts'

/** What a new image is to be, the same for every verb that makes one. */
export interface ImageOptions {
  subformat?: string
  blockSize?: string
  profile?: string
}

export function imageOptions(command: Command): Command {
  return command
    .option('--subformat <kind>', 'dynamic, fixed ... (a wrong one shows the list)')
    .option('--block-size <size>', 'of a block, cluster or grain, for example 2M')
    .option('--profile <name>', 'what a product takes: azure, hyper-v-2 ... (see disk profiles)')
}

export function wishOf(to: string | undefined, { subformat, blockSize, profile }: ImageOptions) {
  return {
    ...(to !== undefined && { format: to }),
    ...(subformat !== undefined && { subformat }),
    ...(profile !== undefined && { profile }),
    ...(blockSize !== undefined && { blockSize: demandSize(blockSize, '--block-size', 1) }),
  }
}

/** @throws VivariumError kind `invalid`, code `invalid-size`. */
export function demandSize(text: string | undefined, option: string, least = 0): number {
  const size = text === undefined ? undefined : parseSize(text)
  if (size !== undefined && size >= least) return size
  throw new VivariumError(
    'invalid',
    'invalid-size',
    text === undefined ? 'The size is missing.' : `"${text}" is no size.`,
    {
      where: { field: option },
      next: `Write it like ${option} 512M or ${option} 16G; K, M, G and T are known, up to 8191T.`,
    },
  )
}
