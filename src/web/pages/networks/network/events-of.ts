import type { ServerEvent } from '../../../../api/index.ts'

/** Events have no field for a network; those of networks name theirs in quotes. */
export function eventsOf(events: readonly ServerEvent[], { name }: { readonly name: string }): ServerEvent[] {
  return events.filter(({ source, message }) => source === 'network' && message.includes(`"${name}"`))
}
