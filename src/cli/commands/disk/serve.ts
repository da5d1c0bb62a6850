import { basename } from 'node:path'
import { type Command, Option } from 'commander'
import { describeError, formatSize, VivariumError } from '../../../base/index.ts'
import type { NbdFailure } from '../../../disk/index.ts'
import { type NbdAddress, readTlsRules, type TlsRules } from '../../../system/index.ts'
import {
  isLoopback,
  NBD_PORT,
  type ServedExport,
  type ServeSpec,
  serveDisks,
  unfinishedOf,
} from '../../../workshop/index.ts'
import { collect, defineVerb, parsePort, printJson } from '../../command.ts'
import { pathOf } from '../../path.ts'
import { renderProblems } from '../../render/problems.ts'

interface ServeOptions {
  socket?: string
  port?: number
  host?: string
  name: string[]
  writable?: boolean
  force: boolean
  undo?: string | true
  search: string[]
  tlsCert?: string
  tlsKey?: string
  tlsCa?: string
  tlsPsk?: string
  once?: boolean
  allowAnonymous: boolean
  insecure: boolean
  json?: boolean
}

export function serve(disk: Command): void {
  defineVerb(
    disk,
    'serve <files...>',
    'export disks, with all their parents, over NBD; read-only unless said otherwise',
  )
    .option(
      '--socket <path>',
      'Unix socket to listen on; a private one when neither this nor a port is given',
    )
    .addOption(
      new Option('--port <number>', `TCP port, 0 = any free one`).argParser(parsePort).conflicts('socket'),
    )
    .addOption(new Option('--host <address>', `TCP address, 127.0.0.1 by default`).conflicts('socket'))
    .option('--name <name>', 'name of the export (one for each file)', collect, [])
    .option('--writable', 'clients write to the disk itself')
    .option('--force', 'with --writable: also where other disks rely on it, which are damaged by it', false)
    .addOption(
      new Option(
        '--undo [file]',
        'clients write to an undo disk, thrown away at the end, or kept as this file',
      ).conflicts('writable'),
    )
    .option('--search <folder>', 'look here for parents too (repeat for more)', collect, [])
    .option('--tls-cert <file>', 'require TLS: the certificate, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option('--tls-ca <file>', 'serve only clients with a certificate of this authority, PEM')
    .option('--tls-psk <file>', 'require TLS with shared keys: lines NAME:HEX, as psktool makes them')
    .option('--once', 'end when the last client has gone')
    .option('--allow-anonymous', 'with TLS: serve clients that do not say who they are', false)
    .option('--insecure', 'serve other computers without TLS', false)
    .action(serveFiles)
}

/** Prints the address and serves until a signal, or with --once until the last client has gone. */
async function serveFiles(files: string[], options: ServeOptions): Promise<void> {
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  // A terminal's Ctrl-C may come twice, from it and from whoever started us: the second must not cut the end short.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  const spec = specOf(files, options, end)
  const served = await serveDisks(spec)
  const unfinished = spec.sources.flatMap(({ path }) => unfinishedOf(path, { roots: ['/'], ...spec }))
  if (unfinished.length > 0) console.error(renderProblems(unfinished))
  warn(served.address, options)
  if (options.json) printJson({ pid: process.pid, ...served })
  else for (const each of served.exports) console.log(lineOf(each))
  await ended
  await served.close()
  // Falling off the end, Node gives the signals back their default action before the process is gone, and one more
  // of them would turn an orderly end into a killed process.
  process.exit()
}

function specOf(files: readonly string[], options: ServeOptions, end: () => void): ServeSpec {
  const { name: names, undo, writable, force, allowAnonymous, insecure, once, search } = options
  if (names.length > 0 && names.length !== files.length)
    throw new VivariumError('invalid', 'usage', `${names.length} names for ${files.length} disks.`, {
      next: 'Give --name once for each file, in their order.',
    })
  const address = addressOf(options)
  const tls = tlsOf(options)
  return {
    // A single disk is the default export, which a client need not name.
    sources: files.map((file, index) => ({
      path: pathOf(file),
      name: names[index] ?? (files.length === 1 ? '' : basename(file)),
    })),
    mode: writable ? 'writable' : undo === undefined ? 'read-only' : 'undo',
    force,
    ...(typeof undo === 'string' && { undoFile: pathOf(undo) }),
    ...(address && { address }),
    ...(tls && { tls }),
    allowAnonymous,
    insecure,
    searchFolders: search.map(pathOf),
    onFailure: tellFailures(),
    ...(once && { onLastGone: end }),
  }
}

function addressOf({ socket, host, port }: ServeOptions): NbdAddress | undefined {
  if (socket !== undefined) return { path: pathOf(socket) }
  if (host === undefined && port === undefined) return undefined
  return { host: host ?? '127.0.0.1', port: port ?? NBD_PORT }
}

function tlsOf({ tlsCert, tlsKey, tlsCa, tlsPsk }: ServeOptions): TlsRules | undefined {
  if ([tlsCert, tlsKey, tlsCa, tlsPsk].every((file) => file === undefined)) return undefined
  return readTlsRules({
    ...(tlsCert !== undefined && { certificate: pathOf(tlsCert) }),
    ...(tlsKey !== undefined && { key: pathOf(tlsKey) }),
    ...(tlsCa !== undefined && { authority: pathOf(tlsCa) }),
    ...(tlsPsk !== undefined && { sharedKeys: pathOf(tlsPsk) }),
  })
}

function lineOf({ uri, path, sizeBytes, writable, undo }: ServedExport): string {
  const how =
    undo === undefined
      ? writable
        ? 'writable'
        : 'read-only'
      : `changes ${undo.kept ? `kept in ${undo.path}` : 'thrown away at the end'}`
  return `${uri} (${basename(path)}, ${formatSize(sizeBytes)}, ${how})`
}

function warn(address: NbdAddress, { tlsCert, tlsPsk }: ServeOptions): void {
  if ('path' in address || tlsCert !== undefined || tlsPsk !== undefined) return
  const who = isLoopback(address.host) ? 'Every user of this computer' : 'Everybody who reaches this port'
  console.error(`vivarium: ${who} can connect: nobody is asked who he is.`)
}

/** A client repeats what failed, very fast; the same fault is told again only after this time. Milliseconds. */
const REPEAT_MS = 5000

function tellFailures(): (failure: NbdFailure) => void {
  const told = new Map<string, number>()
  return ({ exportName, request, error }) => {
    const key = `${exportName} ${request} ${error.code}`
    const now = performance.now()
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < REPEAT_MS) return
    told.set(key, now)
    console.error(
      `vivarium: ${request}${exportName === '' ? '' : ` on ${exportName}`}: ${describeError(error)}`,
    )
  }
}
