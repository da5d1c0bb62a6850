import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import { create as operation } from '../../../workshop/index.ts'
import { defineVerb } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { runOperation } from '../../run-operation.ts'
import { demandSize, type ImageOptions, imageOptions, wishOf } from './image-options.ts'

interface CreateOptions extends ImageOptions {
  format?: string
  type?: string
  size?: string
  parent?: string
  json?: boolean
}

export function create(disk: Command): void {
  imageOptions(
    defineVerb(disk, 'create <file>', 'make an empty disk, or one on top of another')
      .option('--size <size>', 'for example 16G')
      .option('--format <format>', 'vhd, vhdx, vmdk, vdi, qcow2, raw; by the ending when absent')
      .option('--parent <file>', 'make a differencing disk on top of this one'),
  )
    .option('--type <kind>', 'the same as --subformat')
    .action(createFile)
}

async function createFile(file: string, options: CreateOptions): Promise<void> {
  const { format, type, size, parent, json } = options
  const spec = {
    path: pathOf(file),
    ...wishOf(format, { ...(type !== undefined && { subformat: type }), ...options }),
    ...(parent !== undefined && { parent: pathOf(parent) }),
    ...((parent === undefined || size !== undefined) && { sizeBytes: demandSize(size, '--size', 1) }),
  }
  await runOperation(operation, spec, {
    json,
    describe: ({ path, subformat, virtualSize }) => `Made ${path}: ${subformat}, ${formatSize(virtualSize)}.`,
  })
}
