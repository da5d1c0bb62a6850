import { closeSync, constants, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import { VivariumError } from '../base/index.ts'

/**
 * Ethernet devices of the Linux kernel that end in a program (tun/tap, Documentation/networking/tuntap.rst), and the
 * blocking calls that carry their frames. For a process that does nothing else: they wait.
 */
export interface TapDevice {
  /** Waits until the device or the other descriptor has something; says which have. */
  wait(other: number): { readonly device: boolean; readonly other: boolean }
  /** One frame; 0 = there is none now. */
  read(into: Uint8Array): number
  /** One frame. A device that is down loses it. */
  write(frame: Uint8Array): void
  /** Bytes of another descriptor; 0 = its end. */
  readFrom(descriptor: number, into: Uint8Array): number
  /** All of them. */
  writeTo(descriptor: number, bytes: Uint8Array): void
}

const CONTROL = '/dev/net/tun'
/** linux/if_tun.h; the request has the width of struct ifreq's union, which differs in no 64-bit architecture. */
const TUNSETIFF = 0x4004_54ca
const IFF_TAP_NO_PI = 0x1002
const IFREQ_BYTES = 40
const NAME_BYTES = 16
const POLLIN = 1
const POLLOUT = 4

/**
 * Opens the device of this name, made by another before or made now.
 * @throws VivariumError kind `denied` without the right, `unavailable` where the kernel or koffi lacks it, `busy`
 */
export function openTapDevice(name: string): TapDevice {
  const libc = bind()
  const fd = openControl(name)
  const request = new Uint8Array(IFREQ_BYTES)
  request.set(Buffer.from(name, 'latin1').subarray(0, NAME_BYTES - 1))
  new DataView(request.buffer).setInt16(NAME_BYTES, IFF_TAP_NO_PI, true)
  if (libc.ioctl(fd, TUNSETIFF, request) !== 0) {
    const code = libc.errorCode()
    closeSync(fd)
    throw refusal(name, code)
  }
  return {
    wait(other) {
      const events = pollRequest([fd, POLLIN], [other, POLLIN])
      libc.poll(events, 2, -1)
      return { device: reported(events, 0), other: reported(events, 1) }
    },
    read: (into) => Math.max(0, libc.read(fd, into, into.length)),
    write: (frame) => void libc.write(fd, frame, frame.length),
    readFrom: (descriptor, into) => Math.max(0, libc.read(descriptor, into, into.length)),
    writeTo(descriptor, bytes) {
      for (let at = 0; at < bytes.length; ) {
        const written = libc.write(descriptor, bytes.subarray(at), bytes.length - at)
        if (written > 0) at += written
        else if (libc.errorCode() === 'EAGAIN') libc.poll(pollRequest([descriptor, POLLOUT]), 1, -1)
        else return
      }
    },
  }
}

interface Calls {
  ioctl(fd: number, request: number, argument: Uint8Array): number
  poll(events: Uint8Array, count: number, milliseconds: number): number
  read(fd: number, into: Uint8Array, count: number): number
  write(fd: number, from: Uint8Array, count: number): number
  errorCode(): string
}

function bind(): Calls {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const libc = koffi.load(null)
    const ioctl = libc.func('int ioctl(int, unsigned long, _Inout_ uint8_t *)')
    const poll = libc.func('int poll(_Inout_ uint8_t *, unsigned long, int)')
    const read = libc.func('int64_t read(int, _Out_ uint8_t *, size_t)')
    const write = libc.func('int64_t write(int, const uint8_t *, size_t)')
    return {
      ioctl: (...call) => ioctl(...call),
      poll: (...call) => poll(...call),
      read: (...call) => Number(read(...call)),
      write: (...call) => Number(write(...call)),
      errorCode: () => getSystemErrorName(-koffi.errno()),
    }
  } catch (error) {
    throw new VivariumError(
      'unavailable',
      'tap-unavailable',
      'Tap devices need Linux and the module koffi.',
      {
        cause: error,
        next: 'Install Vivarium with its optional modules, or choose NAT as the uplink.',
      },
    )
  }
}

function openControl(name: string): number {
  try {
    return openSync(CONTROL, constants.O_RDWR | constants.O_NONBLOCK)
  } catch (error) {
    throw refusal(name, (error as NodeJS.ErrnoException).code ?? 'EIO')
  }
}

function refusal(name: string, code: string): VivariumError {
  if (code === 'EPERM' || code === 'EACCES')
    return new VivariumError('denied', 'tap-denied', `This user may not open the tap device ${name}.`, {
      where: { path: CONTROL },
    })
  if (code === 'EBUSY')
    return new VivariumError('busy', 'tap-busy', `Another program has the tap device ${name} open.`, {
      next: 'End it, or choose another name for the interface.',
    })
  return new VivariumError(
    'unavailable',
    'tap-unavailable',
    `The tap device ${name} cannot be opened: ${code}.`,
    {
      where: { path: CONTROL },
      next: 'Load the kernel’s module (modprobe tun), or choose NAT as the uplink.',
    },
  )
}

/** struct pollfd: descriptor, events, and what the kernel answers. */
function pollRequest(...wanted: readonly (readonly [descriptor: number, events: number])[]): Uint8Array {
  const bytes = new Uint8Array(8 * wanted.length)
  const view = new DataView(bytes.buffer)
  for (const [index, [descriptor, events]] of wanted.entries()) {
    view.setInt32(index * 8, descriptor, true)
    view.setInt16(index * 8 + 4, events, true)
  }
  return bytes
}

/** Whatever is reported: also an error or the end is found by reading. */
function reported(events: Uint8Array, index: number): boolean {
  return new DataView(events.buffer).getInt16(index * 8 + 6, true) !== 0
}
