import { asciiBytes } from '../../base/index.ts'
import { formatIpv4, parseIpv4 } from '../addresses.ts'
import type { BootAnswer, BootRequest } from '../dhcp/boot.ts'
import { OPTION } from '../dhcp/options.ts'
import { fileUrl, SCRIPT_FILE } from './script.ts'
import type { FirmwareKind, PxeOptions } from './settings.ts'
import { menuOption, PXE_OPTION } from './vendor-options.ts'

/** What a machine that boots is told to load, by what it says of itself. */

export type BootClient = 'ipxe' | 'pxe' | 'http'

/** IANA's processor architecture types (RFC 5970, section 3.3, and their registry). Without one it is a BIOS. */
const ARCHITECTURES: Readonly<Record<number, FirmwareKind>> = {
  0: 'bios',
  6: 'efi-ia32',
  7: 'efi-x64',
  9: 'efi-x64',
  11: 'efi-arm64',
  15: 'efi-ia32',
  16: 'efi-x64',
  19: 'efi-arm64',
}

const IPXE_FILES: PxeOptions['files'] = { bios: 'undionly.kpxe', 'efi-x64': 'snponly.efi' }
const PLAIN_FILES: PxeOptions['files'] = { bios: 'pxelinux.0', 'efi-x64': 'bootx64.efi' }

/** Undefined: it is a DHCP client that boots nothing. */
export function bootClientOf({ vendorClass, userClass }: BootRequest): BootClient | undefined {
  // RFC 3004 would have a length before it; iPXE writes none.
  if (userClass?.includes('iPXE') || userClass?.includes('gPXE')) return 'ipxe'
  if (vendorClass?.startsWith('PXEClient')) return 'pxe'
  return vendorClass?.startsWith('HTTPClient') ? 'http' : undefined
}

export function bootFileFor(request: BootRequest, pxe: PxeOptions): string | undefined {
  const kind = ARCHITECTURES[request.architecture ?? 0]
  if (kind === undefined) return undefined
  return pxe.files[kind] ?? (pxe.entries.length > 0 ? IPXE_FILES : PLAIN_FILES)[kind]
}

/** @param address IPv4 of the boot server */
export function chooseBoot(request: BootRequest, pxe: PxeOptions, address: number): BootAnswer | undefined {
  const client = bootClientOf(request)
  if (client === undefined) return undefined
  const host = formatIpv4(address)
  const server = { nextServer: address, serverName: host }
  if (client === 'ipxe' && pxe.entries.length > 0) return { ...server, file: fileUrl(host, SCRIPT_FILE) }
  if (client !== 'http' && pxe.romMenu !== undefined) {
    const addressOf = (index: number) => parseIpv4(pxe.romMenu?.items[index]?.server ?? host) ?? address
    return {
      ...server,
      options: new Map([
        [OPTION.vendorClass as number, asciiBytes('PXEClient')],
        [PXE_OPTION.vendor, menuOption(pxe.romMenu, addressOf)],
      ]),
    }
  }
  const file = bootFileFor(request, pxe)
  if (file === undefined) return undefined
  if (client !== 'http') return { ...server, file }
  // UEFI 2.10, 24.7.3.1: the class comes back, and the file is a URL.
  const options = new Map([[OPTION.vendorClass as number, asciiBytes('HTTPClient')]])
  return { ...server, file: fileUrl(host, file), options }
}
