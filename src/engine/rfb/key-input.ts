import { VivariumError } from '../../base/index.ts'
import { keyOfKeysym, keysymOfName, SHIFT, SHIFT_KEYSYMS, withShift } from './keysyms.ts'

/** What to type: a text, or named keys such as "Ctrl-Alt-Del" or "Esc F2 Enter". */
export type KeyInput = { readonly text: string } | { readonly keys: string }

/** Keysyms that go down together, in order; they come up in the reverse order. */
export type Chord = readonly number[]

const CONTROL_CHARACTERS: Record<string, number> = {
  '\n': 0xff0d,
  '\r': 0xff0d,
  '\t': 0xff09,
  '\b': 0xff08,
  '\u001b': 0xff1b,
}

/** @throws VivariumError kind `invalid` for characters and names that a US keyboard lacks. */
export function chordsOf(input: KeyInput): Chord[] {
  return 'text' in input ? chordsOfText(input.text) : chordsOfNames(input.keys)
}

function chordsOfText(text: string): Chord[] {
  return [...text.replaceAll('\r\n', '\n')].map((character) => {
    const keysym = CONTROL_CHARACTERS[character] ?? character.codePointAt(0)!
    const key = keyOfKeysym(keysym)
    if (key === undefined || (character.length > 1 && keysym > 0xff)) {
      throw new VivariumError(
        'invalid',
        'key-unknown',
        `No key of a US keyboard types ${JSON.stringify(character)}.`,
        {
          next: 'Type ASCII characters only.',
        },
      )
    }
    // Servers differ in what they make of a capital without Shift; with Shift they agree.
    return key.shift ? [SHIFT, keysym] : [keysym]
  })
}

function chordsOfNames(names: string): Chord[] {
  return names
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => chordOf(splitChord(word).map(keysymNamed)))
}

/** In a chord a letter names its key, whatever its case: "Ctrl-C" has no Shift, "Shift-a" types "A". */
function chordOf(keysyms: number[]): Chord {
  if (keysyms.length === 1) return keyOfKeysym(keysyms[0]!)?.shift ? [SHIFT, keysyms[0]!] : keysyms
  const shift = keysyms.some((keysym) => SHIFT_KEYSYMS.has(keysym))
  return keysyms.map((keysym) => withShift(keysym, shift))
}

/** "Ctrl-Alt-Del" -> its three names; a "-" or "+" that stands last is the key itself, as in "Ctrl--". */
function splitChord(word: string): string[] {
  if (word.length === 1) return [word]
  const last = /^(.*)[-+]([-+])$/.exec(word)
  return last ? [...last[1]!.split(/[-+]/), last[2]!] : word.split(/[-+]/)
}

function keysymNamed(name: string): number {
  const keysym = keysymOfName(name)
  if (keysym === undefined) {
    throw new VivariumError('invalid', 'key-unknown', `There is no key named "${name}".`, {
      next: 'Use names such as Enter, Esc, F1, Ctrl-Alt-Del, or the character itself.',
    })
  }
  return keysym
}
