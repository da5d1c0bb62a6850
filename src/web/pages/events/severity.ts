import type { ServerEvent } from '../../../api/index.ts'

export type Severity = ServerEvent['severity']

/** From harmless to bad; choosing one shows it and everything worse. */
export const SEVERITIES = [
  { value: 'info', label: 'All' },
  { value: 'warning', label: 'Warnings and errors' },
  { value: 'error', label: 'Errors' },
] as const satisfies readonly { value: Severity; label: string }[]

export function atLeast(events: readonly ServerEvent[], severity: Severity): ServerEvent[] {
  const rank = (of: Severity) => SEVERITIES.findIndex(({ value }) => value === of)
  return events.filter((event) => rank(event.severity) >= rank(severity))
}
