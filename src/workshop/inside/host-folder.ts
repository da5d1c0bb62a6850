import {
  closeSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { formatSize, VivariumError } from '../../base/index.ts'
import { identifyProcess, systemError } from '../../system/index.ts'
import type { ExtractEvent } from './entry.ts'
import { partsOf } from './file-tree.ts'
import { makeLink, timeOf, type WantedLink } from './host-link.ts'

/** How the hidden folders begin; the id of the process that fills it comes next. */
const HIDDEN = '.copying-'

/**
 * Writes what an extraction tells into a folder of this host. Everything goes into a hidden folder that is made for it
 * beside the target, in which nothing can lead elsewhere, and appears in its place when it is whole.
 */
export class HostFolder {
  /** The hidden folder, until `publish` or `discard`. */
  readonly path: string
  readonly #times: { readonly path: string; readonly modified: string }[] = []
  readonly #links: WantedLink[] = []
  readonly #refusedLinks: string[] = []
  #file:
    | { readonly path: string; readonly fd: number; readonly modified: string | undefined; size: number }
    | undefined

  /** @param beside The target; its folder must exist. */
  constructor(beside: string) {
    try {
      sweep(dirname(beside))
      this.path = mkdtempSync(join(dirname(beside), `${HIDDEN}${process.pid}-`))
    } catch (error) {
      throw systemError(error, dirname(beside))
    }
  }

  /** @throws VivariumError kind `invalid` (a name that this host cannot have), `io` (a full disk) ... */
  take(event: ExtractEvent): void {
    const place = 'path' in event ? event.path : (this.#file?.path ?? this.path)
    try {
      this.#take(event)
    } catch (error) {
      throw systemError(error, place)
    }
  }

  #take(event: ExtractEvent): void {
    switch (event.event) {
      case 'folder':
        this.#folder(event.path, event.modified)
        return
      case 'file':
        this.#begin(event.path, event.modified)
        return
      case 'data':
        this.#write(event.bytes)
        return
      case 'hole':
        if (this.#file !== undefined) this.#file.size += event.length
        return
      case 'end':
        this.#end()
        return
      case 'link':
        this.#links.push({ place: this.#placeOf(event.path), ...event })
        return
      case 'skipped':
    }
  }

  #folder(path: string, modified: string | undefined): void {
    const target = this.#placeOf(path)
    mkdirSync(target, { recursive: true })
    if (modified !== undefined) this.#times.push({ path: target, modified })
  }

  #begin(path: string, modified: string | undefined): void {
    const wanted = this.#placeOf(path)
    mkdirSync(dirname(wanted), { recursive: true })
    // Two names can be one here: where this host does not tell "A" from "a".
    const target = freeName(wanted)
    this.#file = { path: target, fd: openSync(target, 'wx', 0o666), modified, size: 0 }
  }

  #write(bytes: Uint8Array): void {
    const file = this.#file!
    for (let done = 0; done < bytes.length; )
      done += writeSync(file.fd, bytes, done, bytes.length - done, file.size + done)
    file.size += bytes.length
  }

  #end(): void {
    const { fd, size, modified } = this.#file!
    this.#file = undefined
    try {
      // A hole at the end was not written.
      ftruncateSync(fd, size)
      const time = timeOf(modified)
      if (time !== undefined) futimesSync(fd, time, time)
    } finally {
      closeSync(fd)
    }
  }

  /** Where a path lies below the hidden folder; never anywhere else. */
  #placeOf(path: string): string {
    const parts = partsOf(path).map(hostName)
    if (parts.length === 0 || parts.some((part) => part === '.' || part === '..' || part.includes('\0')))
      throw new VivariumError('invalid', 'inside-bad-name', `"${path}" is no name for a file of this host.`)
    return join(this.path, ...parts)
  }

  /** Links that this host did not take; known after `publish`. */
  get refusedLinks(): readonly string[] {
    return this.#refusedLinks
  }

  /** Puts what lies at `from` in the hidden folder (all of it, when empty) to its target. */
  publish(from: string, target: string, force: boolean): void {
    this.#closeFile()
    // Last of all: nothing is written any more that could go through one.
    for (const link of this.#links) if (!makeLink(this.path, link)) this.#refusedLinks.push(link.path)
    for (const { path, modified } of this.#times.reverse()) setTime(path, modified)
    const source = join(this.path, from)
    if (from === '') {
      // The folder itself is to be seen now, as any other that this user makes.
      for (const name of readdirSync(source)) demandFree(join(source, name), join(target, name), force)
      mkdirSync(target, { recursive: true })
      for (const name of readdirSync(source)) moveTo(join(source, name), join(target, name), force)
    } else {
      demandFree(source, target, force)
      moveTo(source, target, force)
    }
    this.discard()
  }

  discard(): void {
    this.#closeFile()
    rmSync(this.path, { recursive: true, force: true })
  }

  /** What is still free where it lies, for the message of a full disk. */
  missingFor(bytes: number): string {
    const { bavail, bsize } = statfsSync(this.path)
    return formatSize(Math.max(0, bytes - bavail * bsize))
  }

  #closeFile(): void {
    if (this.#file !== undefined) closeSync(this.#file.fd)
    this.#file = undefined
  }
}

/** Removes what earlier copies to this folder left behind when their processes were killed. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(/^(\d+)-/.exec(name.startsWith(HIDDEN) ? name.slice(HIDDEN.length) : '')?.[1])
    if (pid > 0 && identifyProcess(pid) === undefined)
      rmSync(join(folder, name), { recursive: true, force: true })
  }
}

/** What a name on this host cannot have is shown as "_". */
function hostName(part: string): string {
  return process.platform === 'win32' ? part.replace(/[<>:"|?*\\\p{Cc}]/gu, '_') : part
}

function freeName(wanted: string): string {
  for (let count = 2, name = wanted; ; count++) {
    if (lstatSync(name, { throwIfNoEntry: false }) === undefined) return name
    name = join(dirname(wanted), `${basename(wanted)} (${count})`)
  }
}

/** @throws VivariumError kind `conflict` when something is in the way that may not, or cannot, be replaced. */
export function demandFree(source: string | undefined, target: string, force: boolean): void {
  const there = lstatSync(target, { throwIfNoEntry: false })
  if (there === undefined) return
  const coming = source === undefined ? there : lstatSync(source)
  const isFolder = coming.isDirectory()
  const fits = isFolder ? there.isDirectory() : coming.isFile() ? there.isFile() : there.isSymbolicLink()
  if (force && fits) {
    if (isFolder && source !== undefined)
      for (const name of readdirSync(source)) demandFree(join(source, name), join(target, name), force)
    return
  }
  throw new VivariumError('conflict', 'host-eexist', 'It exists already.', {
    where: { path: target },
    next: fits
      ? 'Choose another name, or replace it with --force.'
      : 'It is of another kind: choose another name.',
  })
}

function moveTo(source: string, target: string, force: boolean): void {
  const isFolder = lstatSync(source).isDirectory()
  const there = lstatSync(target, { throwIfNoEntry: false })
  if (!isFolder || there === undefined) {
    if (there !== undefined) demandFree(source, target, force)
    renameSync(source, target)
    return
  }
  for (const name of readdirSync(source)) moveTo(join(source, name), join(target, name), force)
  rmdirSync(source)
}

function setTime(path: string, modified: string): void {
  const time = timeOf(modified)
  if (time !== undefined) utimesSync(path, time, time)
}
