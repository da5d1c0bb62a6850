import type { Random } from '../mutate.ts'
import { pxeTarget, tftpTarget } from './boot.ts'
import { dhcpTarget } from './dhcp.ts'
import { runHttpCase } from './http.ts'
import { runIpv6Case } from './ipv6.ts'
import { dnsTarget, winsTarget } from './names.ts'
import { runSwitchCase } from './switch.ts'
import { type CaseResult, type ProtocolTarget, runCase } from './target.ts'
import { tcpTarget } from './tcp.ts'

/** What a case of each protocol does. Adding one is a target, and a line here. */
const TARGETS: Readonly<Record<string, ProtocolTarget>> = {
  tftp: tftpTarget,
  pxe: pxeTarget,
  tcp: tcpTarget,
  dhcp: dhcpTarget,
  dns: dnsTarget,
  wins: winsTarget,
}

const CASES: Readonly<Record<string, (pick: Random) => Promise<CaseResult>>> = {
  ...Object.fromEntries(
    Object.entries(TARGETS).map(([name, target]) => [name, (pick: Random) => runCase(target, pick)]),
  ),
  http: runHttpCase,
  switch: runSwitchCase,
  ipv6: runIpv6Case,
}

export const protocols: readonly string[] = Object.keys(CASES)

export function protocolCase(name: string): ((pick: Random) => Promise<CaseResult>) | undefined {
  return CASES[name]
}
