import { appendFileSync, closeSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs'

/** A guest can make QEMU print, and its serial ports write, without end; the host's disk has one. Bytes. */
const LOG_LIMIT = 4 * 1024 * 1024
const KEPT_BYTES = 256 * 1024

/** Cuts a log that has grown too long to its end. Its writer appends, and goes on behind. */
export function boundLog(path: string): void {
  try {
    const tail = readTail(path, KEPT_BYTES, LOG_LIMIT)
    if (tail === undefined) return
    truncateSync(path, 0)
    appendFileSync(path, tail)
  } catch {
    // A log is not worth an error: it may not be there yet, or the disk is full.
  }
}

/** QEMU's own last words: the lines of its log that are not warnings, without the program's name. */
export function lastWords(path: string, lines = 3): string {
  let text: string
  try {
    text = (readTail(path, 8192, 0) ?? Buffer.alloc(0)).toString('utf8')
  } catch {
    return ''
  }
  return text
    .split('\n')
    .map((line) => line.replace(/^[^\s:]*qemu[^\s:]*: /, '').trim())
    .filter((line) => line !== '' && !/^warning: /.test(line))
    .slice(-lines)
    .join(' / ')
}

/** The last bytes of a file that is longer than `least`; else undefined. */
function readTail(path: string, count: number, least: number): Buffer | undefined {
  const fd = openSync(path, 'r')
  try {
    const size = fstatSync(fd).size
    if (size <= least) return undefined
    const tail = Buffer.alloc(Math.min(count, size))
    return tail.subarray(0, readSync(fd, tail, 0, tail.length, size - tail.length))
  } finally {
    closeSync(fd)
  }
}
