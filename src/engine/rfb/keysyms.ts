/**
 * Keys by three names: what people type ("Enter", "a"), X11 keysyms (RFC 6143, section 7.5.4) and the scancodes of
 * set 1 that a PC's keyboard controller hands to its guest. A scancode of 0xe0XX is sent as the bytes e0 XX.
 * Characters are those of a US keyboard; the guest's own layout decides what they become.
 */

/** Keys of the main block: unshifted character, shifted character, scancode. */
const CHARACTER_KEYS: readonly (readonly [string, string, number])[] = [
  ...row('`1234567890-=', '~!@#$%^&*()_+', [0x29, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]),
  ...row('qwertyuiop[]', 'QWERTYUIOP{}', 0x10),
  ...row("asdfghjkl;'", 'ASDFGHJKL:"', 0x1e),
  ...row('\\zxcvbnm,./', '|ZXCVBNM<>?', 0x2b),
  [' ', ' ', 0x39],
]

function row(plain: string, shifted: string, codes: number | readonly number[]): [string, string, number][] {
  return [...plain].map((character, index) => [
    character,
    shifted[index]!,
    typeof codes === 'number' ? codes + index : codes[index]!,
  ])
}

/** Name, keysym, scancode. The first name of a key is the one to show. */
const NAMED_KEYS: readonly (readonly [readonly string[], number, number])[] = [
  [['Backspace'], 0xff08, 0x0e],
  [['Tab'], 0xff09, 0x0f],
  [['Enter', 'Return'], 0xff0d, 0x1c],
  [['Esc', 'Escape'], 0xff1b, 0x01],
  [['Del', 'Delete'], 0xffff, 0xe053],
  [['Home'], 0xff50, 0xe047],
  [['Left'], 0xff51, 0xe04b],
  [['Up'], 0xff52, 0xe048],
  [['Right'], 0xff53, 0xe04d],
  [['Down'], 0xff54, 0xe050],
  [['PageUp', 'PgUp'], 0xff55, 0xe049],
  [['PageDown', 'PgDn'], 0xff56, 0xe051],
  [['End'], 0xff57, 0xe04f],
  [['Insert', 'Ins'], 0xff63, 0xe052],
  [['Pause', 'Break'], 0xff13, 0xe046],
  [['ScrollLock'], 0xff14, 0x46],
  [['PrintScreen', 'PrtSc'], 0xff61, 0xe037],
  [['NumLock'], 0xff7f, 0x45],
  [['CapsLock'], 0xffe5, 0x3a],
  [['Menu'], 0xff67, 0xe05d],
  [['Shift'], 0xffe1, 0x2a],
  [['RightShift'], 0xffe2, 0x36],
  [['Ctrl', 'Control'], 0xffe3, 0x1d],
  [['RightCtrl'], 0xffe4, 0xe01d],
  [['Alt'], 0xffe9, 0x38],
  [['AltGr', 'RightAlt'], 0xffea, 0xe038],
  [['Win', 'Super'], 0xffeb, 0xe05b],
  [['RightWin'], 0xffec, 0xe05c],
  [['Space'], 0x20, 0x39],
  ...[0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x57, 0x58].map(
    (code, index) => [[`F${index + 1}`], 0xffbe + index, code] as const,
  ),
]

/** Keysyms that only real keyboards send: the keypad, and other names of keys from above. */
const FURTHER_KEYSYMS: readonly (readonly [number, number])[] = [
  [0xfe03, 0xe038], // ISO_Level3_Shift
  [0xff7e, 0xe038], // Mode_switch
  [0xffe7, 0xe05b], // Meta_L
  [0xffe8, 0xe05c], // Meta_R
  [0xff6b, 0xe046], // Break
  [0xff15, 0x54], // Sys_Req
  [0xff8d, 0xe01c], // KP_Enter
  [0xffaa, 0x37], // KP_Multiply
  [0xffab, 0x4e], // KP_Add
  [0xffad, 0x4a], // KP_Subtract
  [0xffaf, 0xe035], // KP_Divide
  [0xffae, 0x53], // KP_Decimal
  [0xff9f, 0x53], // KP_Delete
  [0xff9e, 0x52], // KP_Insert
  // KP_0 to KP_9, and KP_Home, Left, Up, Right, Down, Page_Up, Page_Down, End, Begin.
  ...[0x52, 0x4f, 0x50, 0x51, 0x4b, 0x4c, 0x4d, 0x47, 0x48, 0x49].map(
    (code, i) => [0xffb0 + i, code] as const,
  ),
  ...[0x47, 0x4b, 0x48, 0x4d, 0x50, 0x49, 0x51, 0x4f, 0x4c].map((code, i) => [0xff95 + i, code] as const),
]

export const SHIFT = 0xffe1
export const SHIFT_KEYSYMS: ReadonlySet<number> = new Set([0xffe1, 0xffe2])
export const CAPS_LOCK = 0xffe5

export interface Key {
  readonly scancode: number
  /** For a key of the main block: whether this character needs Shift. */
  readonly shift?: boolean
}

const BY_KEYSYM = new Map<number, Key>([
  ...NAMED_KEYS.map(([, keysym, scancode]) => [keysym, { scancode }] as const),
  ...FURTHER_KEYSYMS.map(([keysym, scancode]) => [keysym, { scancode }] as const),
  ...CHARACTER_KEYS.flatMap(([plain, shifted, scancode]) =>
    plain === shifted
      ? [[plain.charCodeAt(0), { scancode }] as const]
      : [
          [plain.charCodeAt(0), { scancode, shift: false }] as const,
          [shifted.charCodeAt(0), { scancode, shift: true }] as const,
        ],
  ),
])

const BY_NAME = new Map<string, number>(
  NAMED_KEYS.flatMap(([names, keysym]) => names.map((name) => [name.toLowerCase(), keysym] as const)),
)

/** The key of a keysym; undefined for characters that a US keyboard lacks. */
export function keyOfKeysym(keysym: number): Key | undefined {
  return BY_KEYSYM.get(keysym)
}

/** "Enter", "f1", "a" -> keysym; case counts for single characters only. Undefined: no such key. */
export function keysymOfName(name: string): number | undefined {
  const named = BY_NAME.get(name.toLowerCase())
  if (named !== undefined) return named
  return name.length === 1 && BY_KEYSYM.has(name.charCodeAt(0)) ? name.charCodeAt(0) : undefined
}

/** What the key of a character types without Shift, or with it; other keysyms stay what they are. */
export function withShift(keysym: number, shift: boolean): number {
  const character = String.fromCodePoint(keysym)
  const key = CHARACTER_KEYS.find(([plain, shifted]) => character === plain || character === shifted)
  return key === undefined ? keysym : key[shift ? 1 : 0].charCodeAt(0)
}

/** The bytes that a keyboard sends for a key's press or release in set 1. */
export function scancodeBytes(scancode: number, down: boolean): number[] {
  const code = (scancode & 0x7f) | (down ? 0 : 0x80)
  return scancode > 0xff ? [scancode >> 8, code] : [code]
}
