import {
  type DhcpMessage,
  encodeDhcp,
  MESSAGE_TYPE,
  OPTION,
  type ServiceWorld,
} from '../../../src/network/index.ts'
import { encodeTftp, type TftpPacket } from '../../../src/network/pxe/tftp/packet.ts'
import { bootItemOption } from '../../../src/network/pxe/vendor-options.ts'
import { BROADCAST_TO, bytesOf, type FuzzPacket, fuzzConfig, type ProtocolTarget } from './target.ts'

/** The boot service: TFTP and what is said at ports 67 and 4011. */

const FILE = Uint8Array.from({ length: 3000 }, (_, index) => index & 0xff)

export const BOOT_WORLD: ServiceWorld = {
  openBootFile: async (_folder, path) =>
    path.length > 12
      ? undefined
      : {
          size: FILE.length,
          read: async (at, length) => FILE.subarray(at, at + length),
          close: () => undefined,
        },
}

export const BOOT_CONFIG = fuzzConfig({
  address: '10.244.0.1/24',
  pxe: {
    folder: '/boot',
    entries: [{ title: 'Linux', kernel: 'linux', initrd: 'initrd' }],
    romMenu: { items: [{ title: 'Linux', file: 'linux' }, { title: 'Local' }] },
  },
})

const udp = (port: number, payload: Uint8Array, more: Partial<FuzzPacket> = {}): FuzzPacket => ({
  protocol: 'udp',
  port,
  payload,
  ...more,
})

function read(file: string, options: Record<string, string>, mode = 'octet'): TftpPacket {
  return { kind: 'read', request: { file, mode, options: new Map(Object.entries(options)) } }
}

const TFTP_PACKETS: readonly TftpPacket[] = [
  read('boot.ipxe', {}),
  read('linux', { blksize: '1400', tsize: '0', timeout: '3', windowsize: '8' }),
  read('linux', {}, 'netascii'),
  { kind: 'acknowledgment', block: 0 },
  { kind: 'acknowledgment', block: 1 },
  { kind: 'error', code: 0, message: 'TFTP Aborted' },
  { kind: 'write', request: { file: 'x', mode: 'octet', options: new Map() } },
  { kind: 'data', block: 1, bytes: FILE.subarray(0, 512) },
]

export const tftpTarget: ProtocolTarget = {
  config: BOOT_CONFIG,
  world: BOOT_WORLD,
  packets: (pick) =>
    Array.from({ length: 1 + pick(8) }, () =>
      udp(69, encodeTftp(TFTP_PACKETS[pick(TFTP_PACKETS.length)]!), { sourcePort: 2000 + pick(3) }),
    ),
  // A block of 512 three times for a request of 60.
  mostAnswerFactor: 30,
}

function bootMessage(type: number, item: Uint8Array): DhcpMessage {
  return {
    op: 'request',
    hardwareType: 1,
    hops: 0,
    transactionId: 1,
    seconds: 0,
    broadcast: true,
    clientAddress: 0,
    yourAddress: 0,
    nextServer: 0,
    relay: 0,
    clientHardware: Uint8Array.of(0, 3, 255, 0, 0, 1),
    serverName: '',
    bootFile: '',
    options: new Map<number, Uint8Array>([
      [OPTION.messageType, Uint8Array.of(type)],
      [OPTION.vendorClass, bytesOf('PXEClient:Arch:00000:UNDI:002001')],
      [OPTION.architecture, Uint8Array.of(0, 0)],
      [97, new Uint8Array(17)],
      [43, item],
    ]),
  }
}

export const pxeTarget: ProtocolTarget = {
  config: BOOT_CONFIG,
  world: BOOT_WORLD,
  packets: (pick) => {
    const item = bootItemOption({ type: 0x8000 + pick(3), layer: 0 })
    const discover = encodeDhcp(bootMessage(MESSAGE_TYPE.discover, item))
    const request = encodeDhcp(bootMessage(MESSAGE_TYPE.request, item))
    return [
      udp(67, discover, { sourcePort: 68, ...BROADCAST_TO }),
      udp(4011, request, { sourcePort: 4011 }),
      udp(4011, discover, { sourcePort: 68 }),
    ]
  },
  mostAnswerFactor: 3,
}
