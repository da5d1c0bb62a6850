import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { VivariumError } from '../base/index.ts'
import {
  detectFormat,
  encodingLabel,
  type FileReference,
  FOREIGN_HEAD_BYTES,
  formatPreferences,
  limitProblems,
  type MachineFileFormat,
  type MachineReport,
  type NetworkReport,
  nameForeignFile,
  nameForeignRoot,
  PREFERENCES_LIMITS,
  type PreferencesDocument,
  parsePreferences,
  type ResolvedReference,
  readOptions,
  readVmc,
  readVmcx,
  readVnc,
  reportMachine,
  tooLarge,
} from '../machine/index.ts'
import { writeFileAtomically } from './files.ts'
import { type ReferenceOptions, realPathOf, resolveReference } from './machine-references.ts'
import { systemError } from './system-error.ts'

/** Machine files (VMC, VMCX, VNC, Options.xml) on this computer's disks, and the files they name. */
export interface MachineFile {
  /** As it was given. */
  readonly path: string
  /** The file's name without its extension, which is the machine's or the network's name. */
  readonly name: string
  readonly format: MachineFileFormat
  readonly document: PreferencesDocument
}

/**
 * Reads a machine file of any kind. Its size is looked at before its content: at most 16 MiB are read.
 * @throws VivariumError when it cannot be read or is another kind of file; then the message says which.
 */
export function readMachineFile(path: string): MachineFile {
  const bytes = readSmallFile(path)
  const document = parsePreferences(bytes, path)
  const format = detectFormat(document, path)
  if (format === undefined) throw notAMachineFile(path, document)
  return { path, name: basename(path, extname(path)), format, document }
}

function notAMachineFile(path: string, document: PreferencesDocument): VivariumError {
  const root = document.root.name
  const what =
    root === 'preferences' ? 'a file of settings, but of none of the kinds known' : nameForeignRoot(root)
  return new VivariumError('malformed', 'not-a-machine-file', `It is no machine file, but ${what}.`, {
    where: { path },
    next: 'Name a VMC, VMCX, VNC or Options.xml file.',
  })
}

/** O_NONBLOCK: opening a pipe for reading would otherwise wait for a writer for ever. */
function readSmallFile(path: string): Uint8Array {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const facts = fstatSync(fd)
    if (!facts.isFile()) throw notRegular(path)
    refuseForeign(path, fd, facts.size)
    if (facts.size > PREFERENCES_LIMITS.fileBytes) throw tooLarge(facts.size, path)
    return readRange(fd, 0, facts.size)
  } catch (error) {
    throw systemError(error, path)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

function notRegular(path: string): VivariumError {
  return new VivariumError('unsupported', 'not-a-regular-file', 'It is not a regular file.', {
    where: { path },
    next: 'Name a machine file, not a folder or a device.',
  })
}

function refuseForeign(path: string, fd: number, size: number): void {
  const head = readRange(fd, 0, Math.min(size, FOREIGN_HEAD_BYTES))
  const tail = readRange(fd, Math.max(0, size - 512), Math.min(size, 512))
  const foreign = nameForeignFile(head, tail)
  if (!foreign) return
  throw new VivariumError('malformed', 'not-a-machine-file', `It is no machine file, but ${foreign.what}.`, {
    where: { path },
    next: foreign.next,
  })
}

/** Shorter than asked when the file became shorter meanwhile. */
function readRange(fd: number, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const count = readSync(fd, bytes, done, length - done, at + done)
    if (count === 0) break
    done += count
  }
  return bytes.subarray(0, done)
}

/**
 * Writes a machine file so that a crash leaves the old one or the new one. Its mode stays; a symbolic link stays
 * one, and the file it points to is written.
 */
export function writeMachineFile(path: string, document: PreferencesDocument): void {
  const bytes = formatPreferences(document)
  const real = realPathOf(path) ?? path
  const mode = statSync(real, { throwIfNoEntry: false })?.mode
  writeFileAtomically(real, bytes, mode === undefined ? 0o600 : mode & 0o777)
}

/**
 * Everything that is to be known about a machine file, with its problems in plain words.
 * @throws VivariumError only when the file cannot be read, or is no machine file at all.
 */
export function inspectMachineFile(
  path: string,
  options: ReferenceOptions = {},
): MachineReport | NetworkReport {
  const { name, format, document } = readMachineFile(path)
  const lookUp = (reference: FileReference) => resolveReference(reference, path, options)
  switch (format) {
    case 'vmc':
      return reportMachine({ format, document, ...readVmc(document, name) }, lookUp)
    case 'vmcx':
      return inspectVmcx(document, name, lookUp)
    case 'vnc':
    case 'options': {
      const { networks, problems } = format === 'vnc' ? readVnc(document, name) : readOptions(document)
      return {
        kind: format === 'vnc' ? 'network' : 'options',
        path,
        format,
        encoding: encodingLabel(document),
        networks: [...networks],
        problems: limitProblems(problems, path),
      }
    }
  }
}

function inspectVmcx(
  document: PreferencesDocument,
  name: string,
  lookUp: (reference: FileReference) => ResolvedReference,
): MachineReport {
  const reading = readVmcx(document, name)
  const report = reportMachine({ format: 'vmcx', document, ...reading }, lookUp)
  const target = reading.vmcPath
  const found = target === undefined ? undefined : lookUp({ absolute: target }).path
  report.problems.unshift({
    code: 'shortcut',
    severity: 'note',
    message: `The file is only a shortcut to the machine file ${target === undefined ? '(none named)' : `"${target}"`}.`,
    next: found === undefined ? 'Find that file, and open it instead.' : `Open ${found} instead.`,
    where: { path: document.path, field: 'vmc_path' },
  })
  return report
}
