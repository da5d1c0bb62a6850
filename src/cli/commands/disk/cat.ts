import { basename } from 'node:path'
import type { Command } from 'commander'
import { VivariumError } from '../../../base/index.ts'
import { writeInOrder } from '../../../system/index.ts'
import { catDisk } from '../../../workshop/index.ts'
import { collect, defineStream } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderProblems } from '../../render/problems.ts'
import { inControl } from '../../run-operation.ts'
import { demandPipe } from '../../terminal.ts'
import { demandSize } from './image-options.ts'

interface CatOptions {
  offset?: string
  length?: string
  search: string[]
}

export function cat(disk: Command): void {
  defineStream(disk, 'cat <source>', 'what the guest sees, byte for byte, on standard output')
    .option('--offset <size>', 'begin here')
    .option('--length <size>', 'so many bytes')
    .option('--search <folder>', 'look here for parents too (repeat for more)', collect, [])
    .action(async (source: string, { offset, length, search }: CatOptions) => {
      demandPipe('A disk')
      const spec = {
        source: pathOf(source),
        ...(offset !== undefined && { offset: demandSize(offset, '--offset') }),
        ...(length !== undefined && { length: demandSize(length, '--length') }),
      }
      const title = `Read ${basename(source)}`
      const { notes } = await inControl(
        { title, searchFolders: search.map(pathOf), ifStopped: 'Not all of it came out.' },
        (control) => writeInOrder(1, catDisk(spec, control), 'standard output').catch(enoughRead),
      )
      if (notes.length > 0) console.error(renderProblems(notes))
    })
}

/** Whoever reads may stop when it has seen enough: `| head`. */
function enoughRead(error: unknown): void {
  if (!(error instanceof VivariumError) || error.code !== 'host-epipe') throw error
}
