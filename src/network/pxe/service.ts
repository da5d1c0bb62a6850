import { asciiBytes } from '../../base/index.ts'
import { formatIpv4 } from '../addresses.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { NetworkService, ServiceContext } from '../service.ts'
import type { BootFile } from '../world.ts'
import { chooseBoot } from './choose.ts'
import { httpSession } from './http/session.ts'
import { bootPath } from './path.ts'
import { planPxe } from './plan.ts'
import { answerBinl, answerDiscover, BINL_PORT, DHCP_SERVER_PORT } from './proxy.ts'
import { BootRequestLog, type BootRequestRecord } from './requests.ts'
import { bootScript, SCRIPT_FILE } from './script.ts'
import type { PxeOptions } from './settings.ts'
import { bytesFile } from './tftp/netascii.ts'
import { TFTP_PORT, TftpServer, type TftpTransferStatus } from './tftp/server.ts'

/** Booting from the network: TFTP, HTTP and BINL from one folder, and the choice of what a machine loads. */

export interface PxeStatus {
  readonly folder: string
  /** `proxy`: another DHCP server gives the addresses. */
  readonly mode: 'dhcp' | 'proxy'
  /** Transfers by TFTP that are under way. */
  readonly transfers: readonly TftpTransferStatus[]
  /** The latest requests for files, by TFTP and HTTP, the latest last. */
  readonly requests: readonly BootRequestRecord[]
}

const HTTP_PORT = 80

export function pxeService(
  config: NetworkConfig,
  context: ServiceContext,
): NetworkService<PxeStatus> | undefined {
  const pxe = planPxe(config)
  if (pxe === undefined) return undefined
  const { host, clock, boot } = context
  const mode = config.dhcp?.enabled ? 'dhcp' : 'proxy'
  const log = new BootRequestLog()
  const open = bootFiles(config.name, pxe, context)
  const tftp = new TftpServer({ host, clock, open, log })
  host.listenTcp(HTTP_PORT, (connection) => httpSession(connection, { clock, open, log }))
  if (mode === 'dhcp') boot.chooser = (request) => chooseBoot(request, pxe, host.where.address)
  return {
    ports: mode === 'dhcp' ? [TFTP_PORT, BINL_PORT] : [TFTP_PORT, BINL_PORT, DHCP_SERVER_PORT],
    receive(datagram) {
      if (datagram.destinationPort === TFTP_PORT) return tftp.receive(datagram)
      if (datagram.destinationPort === BINL_PORT) return answerBinl(datagram, { host, pxe })
      return answerDiscover(datagram, { host, pxe })
    },
    status: () => ({ folder: pxe.folder, mode, transfers: tftp.status(), requests: log.records() }),
    close: () => tftp.close(),
  }
}

/** What is served: the menu that is made from the settings, then the folder. */
function bootFiles(
  name: string,
  pxe: PxeOptions,
  { host, world }: ServiceContext,
): (path: string) => Promise<BootFile | undefined> {
  const script = asciiBytes(bootScript(name, formatIpv4(host.where.address), pxe))
  return async (text) => {
    const path = bootPath(text)
    if (path === undefined) return undefined
    if (path === SCRIPT_FILE && pxe.entries.length > 0) return bytesFile(script)
    return world.openBootFile?.(pxe.folder, path)
  }
}
