const MOST_CHARACTERS = 512

/**
 * A path below the boot folder from what a client wrote: Windows' separators are taken, empty parts and "." left out,
 * case stays. Undefined when it would leave the folder or holds what no file name of ours has.
 */
export function bootPath(text: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
  if (text.length > MOST_CHARACTERS || /[\x00-\x1f\x7f]/.test(text)) return undefined
  const parts = text.split(/[/\\]/).filter((part) => part !== '' && part !== '.')
  return parts.length === 0 || parts.includes('..') ? undefined : parts.join('/')
}
