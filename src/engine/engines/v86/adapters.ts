import { fromHex } from '../../../base/index.ts'
import type { RunAdapter } from '../../engine.ts'
import type { Emulator, Ne2k, PortEntry } from './emulator.ts'
import { SwitchLink } from './switch-link.ts'

/**
 * v86's numbers for up to four cards. A number decides I/O ports (300h + 100h * n) and PCI slot; 1 and 2 would lie on
 * the BIOS's debug port 402h and on its configuration port 510h.
 */
const CARD_NUMBERS = [0, 3, 4, 5]
/** Frames that wait for the card; a switch that sends more loses the newest. */
const LONGEST_QUEUE = 512
/** Ethernet with a VLAN tag. Longer ones would not fit the card's ring. */
const LONGEST_FRAME = 1518
/** Bits of the card's registers: command, interrupt status, receive configuration. */
const STOPPED = 0x01
const RECEIVED = 0x01
const RECEIVE_MULTICAST = 0x08
const PROMISCUOUS = 0x10
/** Offsets of registers: the guest writes the boundary when it has emptied a part of the ring. */
const BOUNDARY = 3
const INTERRUPT_STATUS = 7

/** The network adapters of one machine, wired to their switches for as long as the machine runs. */
export class Adapters {
  readonly #adapters: readonly RunAdapter[]
  readonly #links = new Map<number, SwitchLink>()
  readonly #receivers = new Map<number, (frame: Uint8Array) => void>()

  constructor(adapters: readonly RunAdapter[]) {
    this.#adapters = adapters
    for (const { index, switchSocket } of adapters) {
      if (switchSocket === undefined) continue
      this.#links.set(index, new SwitchLink(switchSocket, (frame) => this.#receivers.get(index)?.(frame)))
    }
  }

  /** Which card the emulator must be made with. */
  static networkFor(adapters: readonly RunAdapter[]): 'none' | 'ne2k' | 'virtio' {
    if (adapters.length === 0) return 'none'
    return isVirtio(adapters) ? 'virtio' : 'ne2k'
  }

  /** Puts the cards into an emulator that was made for them. */
  attach(emulator: Emulator): void {
    const { cpu } = emulator.v86
    const { net: first, virtio_net: virtio } = cpu.devices
    for (const [position, adapter] of this.#adapters.entries()) {
      const mac = fromHex(adapter.mac.replaceAll(/[:-]/g, ''))!
      const number = CARD_NUMBERS[position]!
      if (virtio) {
        virtio.mac.set(mac)
        this.#receivers.set(adapter.index, (frame) => emulator.bus.send('net0-receive', frame))
      } else {
        const card = position === 0 ? first! : new first!.constructor(cpu, first!.bus, false, false, number)
        setAddress(card, mac)
        const ring = new Ring(emulator, card, number)
        this.#receivers.set(adapter.index, (frame) => ring.receive(frame))
      }
      const link = this.#links.get(adapter.index)
      // The frame is a view of the card's memory; the link copies it.
      emulator.add_listener(`net${number}-send`, (frame: Uint8Array) => link?.send(frame))
    }
  }

  close(): void {
    for (const link of this.#links.values()) link.close()
  }
}

/** v86 has room for one virtio card, and then for no other. */
export function isVirtio(adapters: readonly RunAdapter[]): boolean {
  return adapters.length === 1 && adapters[0]!.model === 'virtio'
}

/** In the register and in the PROM, where each byte stands twice. */
function setAddress(card: Ne2k, mac: Uint8Array): void {
  card.mac.set(mac)
  for (const [index, byte] of mac.entries()) card.memory.fill(byte, index * 2, index * 2 + 2)
}

/**
 * The receiving side of an NE2000. Its ring holds eight full frames and v86 drops what does not fit, so frames wait
 * here until the guest has made room.
 *
 * Drivers count on a wire that goes on: Linux's reads ten frames, forgets the interrupts that came meanwhile, and
 * takes up the rest of the ring when the next frame interrupts it. Here the next frame may be waiting for that very
 * rest to go. So a guest that clears the interrupt and leaves frames in the ring is interrupted again.
 */
class Ring {
  readonly #emulator: Emulator
  readonly #card: Ne2k
  readonly #event: string
  readonly #queue: Uint8Array[] = []
  #isDue = false

  constructor(emulator: Emulator, card: Ne2k, number: number) {
    this.#emulator = emulator
    this.#card = card
    this.#event = `net${number}-receive`
    const ports = emulator.v86.cpu.io.ports
    afterWrite(ports[card.port + BOUNDARY]!, () => this.#soon())
    afterWrite(ports[card.port + INTERRUPT_STATUS]!, (value) => {
      if (value & RECEIVED) this.#soon()
    })
  }

  receive(frame: Uint8Array): void {
    if (frame.length > LONGEST_FRAME || this.#queue.length >= LONGEST_QUEUE) return
    this.#queue.push(frame)
    this.#pump()
  }

  /** Not at once: the guest is in the middle of its interrupt. */
  #soon(): void {
    if (this.#isDue || (this.#queue.length === 0 && this.#unreadPages() <= 1)) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      this.#remind()
    })
  }

  #pump(): void {
    const isStopped = (this.#card.cr & STOPPED) !== 0
    while (this.#queue.length > 0 && (isStopped || this.#hasRoom(this.#queue[0]!.length)))
      this.#deliver(this.#queue.shift()!)
  }

  #remind(): void {
    this.#pump()
    const { cr, isr } = this.#card
    if (cr & STOPPED || isr & RECEIVED || this.#unreadPages() <= 1) return
    this.#card.do_interrupt(RECEIVED)
  }

  /** From the boundary, which drivers keep on the last page they have read, to where the next frame will go. */
  #unreadPages(): number {
    const { boundary, curpg, pstart, pstop } = this.#card
    return (curpg - boundary + pstop - pstart) % (pstop - pstart)
  }

  #hasRoom(length: number): boolean {
    const pages = this.#card.pstop - this.#card.pstart
    // A page of 256 bytes stays free: a full ring looks like an empty one.
    return pages - this.#unreadPages() > (Math.max(60, length) >> 8) + 2
  }

  /** v86 forgets that a card can want multicast (IPv6 needs it); promiscuous for one frame is as good. */
  #deliver(frame: Uint8Array): void {
    const card = this.#card
    const configuration = card.rxcr
    const isMulticast = (frame[0]! & 1) === 1
    if (isMulticast && configuration & RECEIVE_MULTICAST) card.rxcr |= PROMISCUOUS
    this.#emulator.bus.send(this.#event, frame)
    card.rxcr = configuration
  }
}

function afterWrite(entry: PortEntry, action: (value: number) => void): void {
  const write = entry.write8
  entry.write8 = function (value) {
    write.call(this, value)
    action(value)
  }
}
