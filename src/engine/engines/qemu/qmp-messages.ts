import { VivariumError } from '../../../base/index.ts'

/**
 * The QEMU Machine Protocol as bytes: one JSON object a line, from QEMU to us (docs/interop/qmp-spec.txt).
 *
 *     greeting   {"QMP": {"version": {...}, "capabilities": [...]}}      once, first
 *     return     {"return": ..., "id": n}                                 2.4.1
 *     error      {"error": {"class": "...", "desc": "..."}, "id": n}      2.4.2
 *     event      {"event": "STOP", "data": {...}, "timestamp": {...}}     2.5, at any time
 */
export type QmpMessage =
  | { readonly kind: 'greeting'; readonly version: string }
  | { readonly kind: 'return'; readonly id: number | undefined; readonly value: unknown }
  | {
      readonly kind: 'error'
      readonly id: number | undefined
      readonly class: string
      readonly description: string
    }
  | { readonly kind: 'event'; readonly event: QmpEvent }

export interface QmpEvent {
  readonly name: string
  readonly data: Readonly<Record<string, unknown>>
}

/** The longest line we take. The answers to our commands are a few KiB; a longer line is not QMP. */
export const QMP_LINE_LIMIT = 1024 * 1024

/** Cuts a byte stream into messages; keeps the rest of an unfinished line for the next piece. */
export class QmpReader {
  #pieces: Uint8Array[] = []
  #length = 0

  /** @throws VivariumError kind `malformed` for a line that is too long, is not JSON, or is no QMP message. */
  push(piece: Uint8Array): QmpMessage[] {
    const messages: QmpMessage[] = []
    let rest = piece
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      this.#keep(rest.subarray(0, end))
      const line = this.#takeLine()
      if (line.trim() !== '') messages.push(parseMessage(line))
      rest = rest.subarray(end + 1)
    }
    this.#keep(rest)
    return messages
  }

  #keep(piece: Uint8Array): void {
    this.#length += piece.length
    if (this.#length > QMP_LINE_LIMIT) {
      throw malformed(`A line of QEMU's control connection is over ${QMP_LINE_LIMIT} bytes long.`)
    }
    // A copy: the socket uses its buffer again.
    if (piece.length > 0) this.#pieces.push(Uint8Array.from(piece))
  }

  #takeLine(): string {
    const line = Buffer.concat(this.#pieces).toString('utf8')
    this.#pieces = []
    this.#length = 0
    return line
  }
}

export function encodeCommand(id: number, name: string, args: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({ execute: name, arguments: args, id })}\n`
}

function parseMessage(line: string): QmpMessage {
  let json: unknown
  try {
    json = JSON.parse(line)
  } catch {
    throw malformed("A line of QEMU's control connection is not JSON.")
  }
  if (!isRecord(json)) throw malformed("A line of QEMU's control connection is not a JSON object.")
  const id = typeof json.id === 'number' ? json.id : undefined
  if ('return' in json) return { kind: 'return', id, value: json.return }
  if (isRecord(json.error)) {
    return { kind: 'error', id, class: String(json.error.class), description: String(json.error.desc) }
  }
  if (typeof json.event === 'string') {
    return { kind: 'event', event: { name: json.event, data: isRecord(json.data) ? json.data : {} } }
  }
  if (isRecord(json.QMP)) return { kind: 'greeting', version: versionOf(json.QMP) }
  throw malformed("A line of QEMU's control connection is no greeting, answer or event.")
}

function versionOf(greeting: Record<string, unknown>): string {
  const version = isRecord(greeting.version) ? greeting.version.qemu : undefined
  if (!isRecord(version)) return 'unknown'
  return [version.major, version.minor, version.micro].map(String).join('.')
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(message: string): VivariumError {
  return new VivariumError('malformed', 'qmp-malformed', message, {
    next: 'Turn the machine off and start it again; if it comes back, try another version of QEMU.',
  })
}
