import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { formatGuid, type Problem, problemFrom, VivariumError } from '../../base/index.ts'
import {
  createVnc,
  type NetworkSettings,
  readVnc,
  type TreeGroup,
  updateVnc,
  type VncSettings,
} from '../../machine/index.ts'
import { type NetworkDocument, networkDocumentSchema } from '../../network/index.ts'
import { readMachineFile, systemError, writeMachineFile } from '../../system/index.ts'

/** What a network's file says. */
export interface NetworkContent {
  /** In GUID notation. */
  readonly id?: string
  readonly document: NetworkDocument
  readonly problems: readonly Problem[]
}

/** A network's VNC file, read again whenever it changed on the disk: somebody else may edit it at any time. */
export class NetworkFile {
  readonly path: string
  #stamp = ''
  #content: NetworkContent = EMPTY

  constructor(path: string) {
    this.path = path
  }

  /** A network is called as its file is (formats.md 3.2). */
  get name(): string {
    return basename(this.path, extname(this.path))
  }

  /** With a problem of severity `error`, and nothing else, when it cannot be read. */
  get content(): NetworkContent {
    try {
      const { mtimeMs, size, ino } = statSync(this.path)
      const stamp = `${mtimeMs}:${size}:${ino}`
      if (stamp !== this.#stamp) this.#content = contentOf(this.path)
      this.#stamp = stamp
    } catch (error) {
      this.#stamp = ''
      const known = error instanceof VivariumError ? error : systemError(error, this.path)
      this.#content = { document: networkDocumentSchema.parse({}), problems: [problemFrom(known)] }
    }
    return this.#content
  }

  /** Keys that we do not know stay as they are. @throws VivariumError when it cannot be read or written. */
  write(document: NetworkDocument): void {
    const { document: preferences } = readMachineFile(this.path)
    const { id } = this.content
    updateVnc(preferences, settingsOf(document, id))
    writeMachineFile(this.path, preferences)
    this.#stamp = ''
  }

  /** Makes a new file. @throws VivariumError when it cannot be made. */
  static create(path: string, id: string, document: NetworkDocument): NetworkFile {
    writeMachineFile(path, createVnc(path, settingsOf(document, id)))
    return new NetworkFile(path)
  }
}

const EMPTY: NetworkContent = { document: networkDocumentSchema.parse({}), problems: [] }

function contentOf(path: string): NetworkContent {
  const file = readMachineFile(path)
  if (file.format !== 'vnc') throw notANetwork(path)
  const reading = readVnc(file.document, file.name)
  const [network] = reading.networks
  const problems = reading.problems.filter(({ severity }) => severity !== 'note')
  return { ...(network?.id && { id: network.id }), document: documentOf(path, network!), problems }
}

/** @throws VivariumError kind `malformed` that names the element. */
export function documentOf(path: string, settings: Omit<NetworkSettings, 'name'>): NetworkDocument {
  const { dhcp, hostAdapter, notes } = settings
  const { dhcp: ownDhcp, ...own } = settings.own ?? {}
  const parsed = networkDocumentSchema.safeParse({
    ...own,
    ...(hostAdapter !== undefined && { hostAdapter }),
    ...(notes !== undefined && { notes }),
    ...(dhcp && { dhcp: { ...(ownDhcp as object | undefined), ...dhcp } }),
  })
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]!
  throw new VivariumError('malformed', 'network-settings', `${issue.message}.`, {
    where: { path, field: ['vivarium', ...issue.path].join('/') },
    next: 'Correct the value in the file.',
  })
}

/** The reverse: Virtual Server's own properties where it has them, all else below our key. */
function settingsOf(
  { dhcp, hostAdapter, notes, ...rest }: NetworkDocument,
  id: string | undefined,
): VncSettings {
  const { report, own } = dhcp === undefined ? {} : splitDhcp(dhcp)
  return {
    ...(id !== undefined && { id }),
    ...(hostAdapter !== undefined && hostAdapter !== '' && { hostAdapter }),
    ...(notes !== undefined && notes !== '' && { notes }),
    ...(report && { dhcp: report }),
    own: plain({ ...rest, ...(own && Object.keys(own).length > 0 && { dhcp: own }) }),
  }
}

function splitDhcp(dhcp: NonNullable<NetworkDocument['dhcp']>) {
  const { enabled, network, mask, start, end, server, gateway, dns, wins, ...more } = dhcp
  const { leaseSeconds, renewalSeconds, rebindingSeconds, ...own } = more
  const times = { leaseSeconds, renewalSeconds, rebindingSeconds }
  return { report: { enabled, network, mask, start, end, server, gateway, dns, wins, ...times }, own }
}

/** As JSON has it: without keys that have no value. */
function plain(value: object): TreeGroup {
  return JSON.parse(JSON.stringify(value))
}

function notANetwork(path: string): VivariumError {
  return new VivariumError('invalid', 'not-a-network', 'It is not the file of a virtual network.', {
    where: { path },
    next: 'Name a .vnc file, or an Options.xml.',
  })
}

/** The same for the same thing, always: for networks whose id nothing keeps (UUID version 8, RFC 9562, 5.8). */
export function derivedId(what: string): string {
  const bytes = createHash('sha256').update(`vivarium network ${what}`).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return formatGuid(bytes)
}
