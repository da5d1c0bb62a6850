import { VivariumError } from '../base/index.ts'

/**
 * A disk, its file names and its labels are anybody's writing. Shown as they are, some characters would act on the
 * terminal: control characters move the cursor, set the title or answer for the user (C0 and C1, ECMA-48), and
 * direction marks make a name read as another one (Unicode TR36 section 2.5).
 */
const ACTING = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu

/** Text for a person, with nothing in it that acts on his terminal but new lines and tabs. */
export function harmless(text: string): string {
  return text.replace(ACTING, '\ufffd')
}

/** The same JSON, in which such characters are written as escapes: JSON itself escapes only some. */
export function harmlessJson(json: string): string {
  return json.replace(ACTING, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** From now on all that is shown with `console.log` and `console.error` is harmless. */
export function keepTerminalSafe(): void {
  for (const channel of ['log', 'error'] as const) {
    const show = console[channel].bind(console)
    console[channel] = (...values: unknown[]) =>
      show(...values.map((value) => (typeof value === 'string' ? harmless(value) : value)))
  }
}

/** @param what In a sentence: `A disk`. @throws VivariumError kind `invalid`, code `output-is-terminal`. */
export function demandPipe(what: string): void {
  if (!process.stdout.isTTY) return
  throw new VivariumError('invalid', 'output-is-terminal', `${what} is not for a terminal.`, {
    next: 'Send it to a file or another program: > FILE, | PROGRAM.',
  })
}
