import { rmSync } from 'node:fs'
import { VivariumError } from '../../base/index.ts'
import { NbdExport, type NbdFailure } from '../../disk/index.ts'
import {
  childrenOf,
  FlushSchedule,
  layersOf,
  type NbdAddress,
  openDiskLayers,
  type ResolvedLayer,
  resolveChain,
  serveNbd,
  type TlsRules,
} from '../../system/index.ts'
import { runFile } from './run-files.ts'
import { createUndoDisk, undoExtension } from './undo-disk.ts'
import { nbdUri } from './uri.ts'
import { type AccessRules, checkAccess } from './who-may-come.ts'

export interface ServeSpec extends AccessRules {
  /** Absolute paths, each with the name that clients ask for; a single one may have the empty name. */
  readonly sources: readonly { readonly path: string; readonly name: string }[]
  /** `undo`: clients may write, and the disk stays as it is. */
  readonly mode: 'read-only' | 'undo' | 'writable'
  /** With `writable`: also a disk that others rely on, which lose by it. */
  readonly force?: boolean
  /** With `undo` and a single source: keeps the undo disk, under this name. It must not exist. */
  readonly undoFile?: string
  /** Absent: a Unix socket of this process, in a folder of this user's alone. */
  readonly address?: NbdAddress
  readonly tls?: TlsRules
  readonly searchFolders?: readonly string[]
  readonly onFailure?: (failure: NbdFailure) => void
  /** See `serveNbd`. */
  readonly onLastGone?: () => void
}

export interface ServedExport {
  readonly name: string
  readonly uri: string
  readonly path: string
  readonly format: string
  readonly sizeBytes: number
  readonly writable: boolean
  /** The disk that keeps what is written, where that is not the disk itself. */
  readonly undo?: { readonly path: string; readonly kept: boolean }
}

export interface ServedDisks {
  readonly address: NbdAddress
  readonly exports: readonly ServedExport[]
  /** Ends all connections, flushes, closes. @throws VivariumError kind `io` when the last flush failed. */
  close(): Promise<void>
}

/** A client that takes longer to say what it wants holds a place for nothing. */
const HANDSHAKE_MS = 30_000
const STALLED_MS = 300_000
const TICK_MS = 1000

/**
 * Serves disks over NBD until `close`. What is written is flushed every second, whether or not a client asks.
 * Each disk is claimed: nobody writes to a disk that is served, nor is a disk served that somebody writes to.
 * @throws VivariumError with nothing left open, and no undo disk left behind.
 */
export async function serveDisks(spec: ServeSpec): Promise<ServedDisks> {
  const address = spec.address ?? { path: runFile('nbd.sock') }
  checkAccess(address, spec.tls, spec)
  checkNames(spec)
  const opened: OpenedDisk[] = []
  try {
    for (const source of spec.sources) opened.push(openSource(source, spec))
    const exports = opened.map(({ served }) => served)
    const listener = await serveNbd(exports, address, {
      handshakeMs: HANDSHAKE_MS,
      stalledMs: STALLED_MS,
      ...(spec.tls && { tls: spec.tls }),
      ...(spec.onLastGone && { onLastGone: spec.onLastGone }),
    })
    const schedule = new FlushSchedule(exports)
    const timer = setInterval(() => schedule.run(() => performance.now()), TICK_MS)
    return {
      address: listener.address,
      exports: opened.map((disk) => describe(disk, listener.address, spec.tls !== undefined)),
      async close() {
        clearInterval(timer)
        await listener.close()
        closeAll(opened, false)
      },
    }
  } catch (error) {
    closeAll(opened, true)
    throw error
  }
}

interface OpenedDisk {
  readonly path: string
  readonly format: string
  readonly served: NbdExport
  readonly undo?: { readonly path: string; readonly kept: boolean }
}

function checkNames({ sources, mode, undoFile }: ServeSpec): void {
  const fail = (code: string, message: string, next: string): never => {
    throw new VivariumError('invalid', code, message, { next })
  }
  const names = sources.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    fail('export-name-taken', `Two disks cannot both be called "${twice}".`, 'Give each a name with --name.')
  if (undoFile !== undefined && (mode !== 'undo' || sources.length !== 1))
    fail(
      'serve-undo-file',
      'One undo disk keeps the changes of one disk.',
      'Serve them one by one, or leave the name out.',
    )
}

let undoCount = 0

function openSource(source: ServeSpec['sources'][number], spec: ServeSpec): OpenedDisk {
  const { mode, force = false, undoFile, searchFolders, onFailure } = spec
  const chain = resolveChain(source.path, { ...(searchFolders && { searchFolders }) })
  const layers = layersOf(chain)
  const top = chain.layers[0]!
  const { format } = top.facts
  if (mode === 'writable' && !force) demandNoChildren(top, searchFolders)
  const open = (files: readonly string[], writable: boolean): NbdExport =>
    new NbdExport(
      source.name,
      openDiskLayers({ layers: files, writable }, { lock: true }),
      onFailure ? { onFailure } : {},
    )
  if (mode !== 'undo') return { path: source.path, format, served: open(layers, mode === 'writable') }
  const undo = undoFile ?? runFile(`undo-${++undoCount}${undoExtension(top)}`)
  createUndoDisk(undo, top)
  try {
    const served = open([undo, ...layers], true)
    return { path: source.path, format, served, undo: { path: undo, kept: undoFile !== undefined } }
  } catch (error) {
    rmSync(undo, { force: true })
    throw error
  }
}

/** @throws VivariumError kind `conflict`, code `disk-has-children`, with their names. */
function demandNoChildren({ path, facts }: ResolvedLayer, searchFolders: readonly string[] = []): void {
  const children = childrenOf(path, facts, searchFolders)
  if (children.length === 0) return
  throw new VivariumError(
    'conflict',
    'disk-has-children',
    `Other disks rely on what would change: ${children.join(', ')}.`,
    {
      where: { path },
      next: 'Serve it with --undo, or serve one of those; --force writes to it all the same, and damages them.',
    },
  )
}

/** Every disk is tried; the first error is thrown at the end. */
function closeAll(opened: readonly OpenedDisk[], failed: boolean): void {
  const errors: unknown[] = []
  for (const { served, undo } of opened) {
    for (const action of [() => served.unflushed && served.flush(), () => served.disk.close()]) {
      try {
        action()
      } catch (error) {
        errors.push(error)
      }
    }
    if (undo !== undefined && (failed || !undo.kept)) rmSync(undo.path, { force: true })
  }
  if (errors.length > 0 && !failed) throw errors[0]
}

function describe(
  { path, format, served, undo }: OpenedDisk,
  address: NbdAddress,
  tls: boolean,
): ServedExport {
  return {
    name: served.name,
    uri: nbdUri(address, served.name, tls),
    path,
    format,
    sizeBytes: served.disk.sizeBytes,
    writable: served.writable,
    ...(undo && { undo }),
  }
}
