import { readUint16 } from '../addresses.ts'
import { type DhcpOptions, OPTION, readTextOption } from './options.ts'

/**
 * What a machine that boots from the network is told: where the boot server is and what it shall load. The owner's
 * settings come first (reservation, class, network); what they leave open a boot service of the same network may
 * decide, request by request. It enters its chooser here; DHCP asks when it answers.
 */
export interface BootAnswer {
  /** `siaddr` (RFC 2131, section 2): the next server of the boot, IPv4. */
  readonly nextServer?: number
  /** `sname`, and option 66 for those that ask for it. */
  readonly serverName?: string
  /** `file`, and option 67 for those that ask for it. */
  readonly file?: string
  /** Sent whether the client asked for them or not, such as 43 (vendor) and 60 to a PXE client. */
  readonly options?: DhcpOptions
}

export interface BootRequest {
  readonly mac: number
  /** Option 93 (RFC 4578, 2.1), the first type named: 0 = PC BIOS, 7 = x86-64 UEFI, 16 = x86-64 UEFI HTTP ... */
  readonly architecture: number | undefined
  /** Option 60, such as `PXEClient:Arch:00000:UNDI:002001`. */
  readonly vendorClass: string | undefined
  /** Option 77, such as `iPXE`. */
  readonly userClass: string | undefined
  /** All that the client said. */
  readonly options: DhcpOptions
}

export type BootChooser = (request: BootRequest) => BootAnswer | undefined

/** One of a network's running services; whoever starts with it fills it. */
export interface BootDesk {
  chooser: BootChooser | undefined
}

export function bootRequest(mac: number, options: DhcpOptions): BootRequest {
  const architectures = options.get(OPTION.architecture)
  return {
    mac,
    architecture:
      architectures !== undefined && architectures.length >= 2 ? readUint16(architectures, 0) : undefined,
    vendorClass: readTextOption(options, OPTION.vendorClass),
    userClass: readTextOption(options, OPTION.userClass),
    options,
  }
}
