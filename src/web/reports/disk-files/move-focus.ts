import type { KeyboardEvent } from 'react'

/** Arrow keys go up and down a list of buttons and links. */
export function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const stops = [...(event.currentTarget.closest('ul')?.querySelectorAll<HTMLElement>('button, a') ?? [])]
  const at = stops.indexOf(event.currentTarget)
  event.preventDefault()
  stops.at((at + (event.key === 'ArrowDown' ? 1 : -1)) % stops.length)?.focus()
}
