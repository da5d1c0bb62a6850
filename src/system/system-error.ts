import { type ErrorKind, VivariumError } from '../base/index.ts'

/** What an error of the host means for the person: the kind, the sentence, the next step. */
type Meaning = readonly [kind: ErrorKind, message: string, next: string]

const GIVE_RIGHT = 'Give the user that runs Vivarium the right to it.'
const FREE_SPACE = 'Free some space and try again.'
const CHECK_PATH = 'Check the path.'

const MEANING_OF_CODE: Readonly<Record<string, Meaning>> = {
  ENOENT: ['not-found', 'There is no such file or folder.', CHECK_PATH],
  ENOTDIR: ['not-found', 'A part of the path is a file, not a folder.', CHECK_PATH],
  EACCES: ['denied', 'This user may not open it.', GIVE_RIGHT],
  EPERM: ['denied', 'This user may not do that to it.', GIVE_RIGHT],
  EROFS: ['denied', 'It lies on a read-only file system.', 'Copy it to a place that can be written.'],
  EISDIR: ['invalid', 'It is a folder.', 'Name a file.'],
  ENOSPC: ['io', 'The disk is full.', FREE_SPACE],
  EDQUOT: ['io', 'The disk quota is used up.', FREE_SPACE],
  EFBIG: ['io', 'The file would be larger than its file system allows.', 'Use another file system.'],
  EIO: ['io', 'The host could not read or write it.', "Look for a failing disk in the host's log."],
  EEXIST: ['conflict', 'It exists already.', 'Choose another name.'],
  EBUSY: ['busy', 'The host is using it.', 'Close what uses it and try again.'],
  EADDRINUSE: ['busy', 'The address is in use.', 'Close what uses it, or choose another.'],
  ETXTBSY: ['busy', 'It is a program that is running.', 'End the program first.'],
  EMFILE: [
    'io',
    'Too many files are open.',
    'Close some machines, or allow more (ulimit -n), and try again.',
  ],
  ENAMETOOLONG: ['invalid', 'The name or the path is too long.', 'Choose a shorter one.'],
  ELOOP: ['invalid', 'Links in the path lead round in a circle.', 'Remove the link that leads back.'],
  EINVAL: ['invalid', 'The host does not take it: the path or the request is not valid.', CHECK_PATH],
  ENXIO: ['unsupported', 'It is a pipe, a socket or a device that nothing serves.', 'Name a regular file.'],
  ERR_INVALID_ARG_VALUE: ['invalid', 'The path holds a character that no file name can have.', CHECK_PATH],
}

/** SQLite's primary result codes (sqlite.org/rescode.html); the byte above them only says more. */
const MEANING_OF_SQLITE: Readonly<Record<number, Meaning>> = {
  5: ['busy', 'Another process is using the database.', 'Close the other server and try again.'],
  8: ['denied', 'The database may not be written.', GIVE_RIGHT],
  10: ['io', 'The host could not read or write the database.', "Look for a failing disk in the host's log."],
  11: ['corrupt', 'The database is damaged.', 'Put back a copy of it, or move it away to start a new one.'],
  13: ['io', 'The disk is full.', FREE_SPACE],
  14: ['denied', 'The database cannot be opened.', GIVE_RIGHT],
  26: ['malformed', 'It is not a database.', 'Move it away, or choose another data folder.'],
}

/** Turns what Node throws into our error: names the file, says what is wrong and what to do. */
export function systemError(error: unknown, path: string): VivariumError {
  if (error instanceof VivariumError) return error
  const { code, name, meaning } = meaningOf(error)
  const [kind, message, next] = meaning ?? (['io', `The host answered ${code}.`] as const)
  return new VivariumError(kind, name, message, {
    where: { path },
    cause: error,
    ...(next !== undefined && { next }),
  })
}

interface Found {
  readonly code: string
  readonly name: string
  readonly meaning: Meaning | undefined
}

function meaningOf(error: unknown): Found {
  const facts = error as { code?: unknown; errcode?: unknown } | undefined
  const code = typeof facts?.code === 'string' ? facts.code : 'UNKNOWN'
  if (code === 'ERR_SQLITE_ERROR' && typeof facts?.errcode === 'number') {
    const primary = facts.errcode & 0xff
    return {
      code: `SQLite ${facts.errcode}`,
      name: `database-${primary}`,
      meaning: MEANING_OF_SQLITE[primary],
    }
  }
  return { code, name: `host-${code.toLowerCase().replaceAll('_', '-')}`, meaning: MEANING_OF_CODE[code] }
}

const FULL: ReadonlySet<string> = new Set(['host-enospc', 'host-edquot'])

/** The host has no room, or allows this user no more. */
export function isHostFull(error: unknown): error is VivariumError {
  return error instanceof VivariumError && FULL.has(error.code)
}
