import { write } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { VivariumError } from '../base/index.ts'
import { systemError } from './system-error.ts'

const writeSome = promisify(write)

/** What the reader leaves free of a pipe is waited for this long at a time. */
const FULL_PIPE_MS = 2

/**
 * Writes pieces to a descriptor that takes them one after the other: a pipe, a terminal, a file. The next piece is
 * made while the one before is being written, on another core; so a piece must stay unchanged until the next but one
 * is asked for. @throws VivariumError kind `io`: code `host-epipe` when nobody reads any more.
 */
export async function writeInOrder(
  fd: number,
  pieces: AsyncIterable<Uint8Array>,
  name: string,
): Promise<number> {
  let written = 0
  let before: Promise<void> = Promise.resolve()
  for await (const piece of pieces) {
    await before
    before = writeAll(fd, piece, name)
    // It is awaited in the next round; until then its failure is nobody's.
    before.catch(() => undefined)
    written += piece.length
  }
  await before
  return written
}

async function writeAll(fd: number, piece: Uint8Array, name: string): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    try {
      const { bytesWritten } = await writeSome(fd, piece, done, piece.length - done, null)
      done += bytesWritten
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') await delay(FULL_PIPE_MS)
      else if (code === 'EPIPE') throw nobodyReads(name, error)
      else throw systemError(error, name)
    }
  }
}

function nobodyReads(name: string, cause: unknown): VivariumError {
  return new VivariumError('io', 'host-epipe', 'Nobody reads it any more.', {
    where: { path: name },
    cause,
    next: 'Look at what the other program said.',
  })
}
