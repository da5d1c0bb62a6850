import { accessSync, constants, statSync } from 'node:fs'
import type { Problem } from '../../base/index.ts'
import type { SwitchNetworkStatus } from '../../engine/index.ts'
import { NEXT_EXHAUSTED, NEXT_STANDING_DOWN } from '../../network/index.ts'

/** What does not work in a network now, though its settings are right. */
export function liveProblems({ uplink, services }: SwitchNetworkStatus): Problem[] {
  const problems: Problem[] = []
  if (uplink?.problem !== undefined && !uplink.isUp)
    problems.push({
      ...{ code: 'uplink-down', severity: 'error', message: uplink.problem },
      ...(uplink.next !== undefined && { next: uplink.next }),
    })
  if (services.dhcp?.isStandingDown === true)
    problems.push({
      code: 'dhcp-standing-down',
      severity: 'warning',
      message: `The DHCP server is silent, because another one answers here: ${othersIn(services.dhcp)}.`,
      next: NEXT_STANDING_DOWN,
    })
  if (services.dhcp?.isExhausted === true)
    problems.push({
      code: 'dhcp-exhausted',
      severity: 'warning',
      message: `No address from ${services.dhcp.start} to ${services.dhcp.end} is free.`,
      next: NEXT_EXHAUSTED,
    })
  if (services.pxe !== undefined && !isReadableFolder(services.pxe.folder))
    problems.push({
      code: 'pxe-folder-missing',
      severity: 'error',
      message: 'The boot folder is not there, or may not be read: no machine can boot from this network.',
      where: { path: services.pxe.folder, field: 'pxe.folder' },
      next: 'Make the folder, or name another one.',
    })
  return problems
}

function isReadableFolder(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.X_OK)
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function othersIn({
  otherServers,
}: {
  readonly otherServers: readonly { readonly address: string }[]
}): string {
  return otherServers.map(({ address }) => address).join(', ')
}
