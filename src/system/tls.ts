import { readFileSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import {
  type ConnectionOptions,
  createSecureContext,
  createServer,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import { VivariumError } from '../base/index.ts'
import { systemError } from './system-error.ts'

/** Either a certificate, with or without an authority that clients have to be known to; or keys that are shared. */
export interface TlsFiles {
  /** PEM: this server's certificate, and what leads from it to its authority. */
  readonly certificate?: string
  /** PEM: the private key of `certificate`. */
  readonly key?: string
  /** PEM: only clients with a certificate of this authority are served. */
  readonly authority?: string
  /** Lines of `name:key`, the key in hexadecimal: what psktool(1) makes. */
  readonly sharedKeys?: string
}

export interface TlsRules {
  /** False: anybody who connects is served, unseen by others. */
  readonly knowsClients: boolean
  readonly options: TlsOptions
}

/** GnuTLS, behind nbdcopy and QEMU, takes these with a shared key; forward secrecy first. */
const PSK_CIPHERS = 'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES256-GCM-SHA384:ECDHE-PSK-AES256-CBC-SHA384'

/** @throws VivariumError kind `invalid` when the files do not go together, `denied` when a secret is open to all ... */
export function readTlsRules({ certificate, key, authority, sharedKeys }: TlsFiles): TlsRules {
  if (sharedKeys !== undefined) {
    if (certificate !== undefined || key !== undefined || authority !== undefined)
      throw wrongFiles('Shared keys and certificates do not go together.', 'Choose one of them.', sharedKeys)
    return {
      knowsClients: true,
      options: sharedKeyOptions(parseSharedKeys(readSecret(sharedKeys), sharedKeys)),
    }
  }
  if (certificate === undefined || key === undefined)
    throw wrongFiles(
      'TLS needs a certificate and its key.',
      'Name both files, or one with shared keys.',
      certificate ?? key ?? authority,
    )
  const options: TlsOptions = {
    cert: readText(certificate),
    key: readSecret(key),
    minVersion: 'TLSv1.2',
    ...(authority !== undefined && {
      ca: readText(authority),
      requestCert: true,
      rejectUnauthorized: true,
    }),
  }
  checkContext(options, certificate)
  return { knowsClients: authority !== undefined, options }
}

/**
 * Does the server's side of the TLS handshake on a socket that spoke in the clear so far. `onSecure` is called once,
 * or the socket is closed.
 */
export function secure(
  plain: Socket,
  { options, knowsClients }: TlsRules,
  onSecure: (s: TLSSocket) => void,
): void {
  // A server that never listens: only this way Node checks the client's certificate itself.
  const server = createServer(options)
  server.once('tlsClientError', () => plain.destroy())
  server.once('secureConnection', (secured) => {
    const isKnown = !knowsClients || options.pskCallback !== undefined || secured.authorized
    if (isKnown) onSecure(secured)
    else secured.destroy()
  })
  server.emit('connection', plain)
}

/**
 * The client's side: the server has to show a certificate of `authority`, or to know the key. What its certificate is
 * called does not matter: the authority is one that signs for these servers alone.
 * @param identity which of the shared keys; default: the first
 */
export function tlsClientOptions(files: TlsFiles, identity?: string): ConnectionOptions {
  const { options } = readTlsRules(files)
  const common = { rejectUnauthorized: true, checkServerIdentity: () => undefined }
  if (files.sharedKeys === undefined) {
    const { cert, key, ca, minVersion } = options
    return { ...common, cert, key, ca, minVersion }
  }
  const keys = parseSharedKeys(readSecret(files.sharedKeys), files.sharedKeys)
  const name = identity ?? [...keys.keys()][0] ?? ''
  const psk = keys.get(name)
  if (psk === undefined)
    throw wrongFiles(`There is no key named "${name}" in it.`, 'Name one of its keys.', files.sharedKeys)
  const { ciphers, minVersion, maxVersion } = options
  return { ...common, ciphers, minVersion, maxVersion, pskCallback: () => ({ psk, identity: name }) }
}

function sharedKeyOptions(keys: ReadonlyMap<string, Buffer>): TlsOptions {
  return {
    ciphers: PSK_CIPHERS,
    // TLS 1.3 has no suites of its own for shared keys; a client that knows only the certificates of 1.3 must not
    // get past the key.
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    dhparam: 'auto',
    pskCallback: (_socket, identity) => keys.get(identity) ?? null,
  }
}

function parseSharedKeys(text: string, path: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === '' || line.startsWith('#')) continue
    const [, name, hex] = /^([^:]+):((?:[0-9a-f]{2}){16,})$/i.exec(line) ?? []
    if (name === undefined || hex === undefined)
      throw wrongFiles(
        `Line ${index + 1} is no name and key.`,
        'A line is NAME:KEY, the key at least 32 hexadecimal digits: psktool makes such a file.',
        path,
      )
    keys.set(name, Buffer.from(hex, 'hex'))
  }
  if (keys.size === 0) throw wrongFiles('There is no key in it.', 'psktool makes such a file.', path)
  return keys
}

function checkContext(options: TlsOptions, path: string): void {
  try {
    createSecureContext(options)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw wrongFiles(
      `The certificate and its key cannot be used: ${reason}.`,
      'Both must be PEM and belong together, the key without a password.',
      path,
    )
  }
}

function wrongFiles(message: string, next: string, path: string | undefined): VivariumError {
  return new VivariumError('invalid', 'tls-files', message, {
    ...(path !== undefined && { where: { path } }),
    next,
  })
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw systemError(error, path)
  }
}

/** What everybody on this host can read is no secret. */
function readSecret(path: string): string {
  const text = readText(path)
  if ((statSync(path).mode & 0o004) === 0) return text
  throw new VivariumError('denied', 'tls-secret-open', 'Every user of this computer may read this key.', {
    where: { path },
    next: `Run: chmod 600 ${path}`,
  })
}
