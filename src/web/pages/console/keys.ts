/** Key combinations that a browser or its system keeps for itself. X11 keysyms, as RFB (RFC 6143, 7.5.4) sends them. */
interface Key {
  readonly keysym: number
  /** KeyboardEvent.code, for servers that take scan codes. */
  readonly code: string
}

const CONTROL: Key = { keysym: 0xffe3, code: 'ControlLeft' }
const ALT: Key = { keysym: 0xffe9, code: 'AltLeft' }
const functionKey = (number: number): Key => ({ keysym: 0xffbd + number, code: `F${number}` })

export const COMBINATIONS: readonly { readonly label: string; readonly keys: readonly Key[] }[] = [
  { label: 'Alt-Tab', keys: [ALT, { keysym: 0xff09, code: 'Tab' }] },
  { label: 'Alt-F4', keys: [ALT, functionKey(4)] },
  { label: 'Alt-Enter', keys: [ALT, { keysym: 0xff0d, code: 'Enter' }] },
  { label: 'Ctrl-Esc', keys: [CONTROL, { keysym: 0xff1b, code: 'Escape' }] },
  { label: 'Windows key', keys: [{ keysym: 0xffeb, code: 'MetaLeft' }] },
  { label: 'Print Screen', keys: [{ keysym: 0xff61, code: 'PrintScreen' }] },
  { label: 'Ctrl-Alt-F1', keys: [CONTROL, ALT, functionKey(1)] },
  { label: 'Ctrl-Alt-F2', keys: [CONTROL, ALT, functionKey(2)] },
  { label: 'F8', keys: [functionKey(8)] },
  { label: 'F11', keys: [functionKey(11)] },
]

/** Presses in order, releases in reverse. */
export function press(
  keys: readonly Key[],
  send: (keysym: number, code: string, down: boolean) => void,
): void {
  for (const { keysym, code } of keys) send(keysym, code, true)
  for (const { keysym, code } of [...keys].reverse()) send(keysym, code, false)
}
