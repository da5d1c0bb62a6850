import type { VivariumError } from '../../../base/index.ts'
import type { RunDrive, RunFloppy } from '../../engine.ts'
import type { Emulator, GuestBuffer, IdeDeviceConfiguration, IdeInterface } from './emulator.ts'
import { GuestDisk } from './guest-disk.ts'
import { openCdMedium, openDiskMedium, openFloppyMedium } from './media.ts'

const DISK_SECTOR = 512
const CD_SECTOR = 2048
const WRITE_DMA = 0xca
const WRITE_DMA_EXT = 0x35
const FLUSH_CACHE = 0xe7
const FLUSH_CACHE_EXT = 0xea
/** CMOS registers: types of the two floppy drives; boot order as SeaBIOS reads it. */
const CMOS_FLOPPY_TYPES = 0x10
const CMOS_BOOT_ORDER_3 = 0x38
const CMOS_BOOT_ORDER_1_2 = 0x3d
const BOOT = { floppy: 1, disk: 2, cd: 3 } as const

/** The drives of one machine: opened once, put into each emulator that runs it. */
export class Drives {
  readonly #drives: { readonly drive: RunDrive; disk: GuestDisk | undefined }[] = []
  readonly #floppies: { readonly floppy: RunFloppy; readonly disk: GuestDisk }[] = []
  readonly #onFailure: (error: VivariumError) => void
  #emulator: Emulator | undefined

  /** Opens everything, all or none. @throws VivariumError. */
  constructor(
    drives: readonly RunDrive[],
    floppies: readonly RunFloppy[],
    onFailure: (error: VivariumError) => void,
  ) {
    this.#onFailure = onFailure
    try {
      for (const drive of drives) this.#drives.push({ drive, disk: this.#open(drive) })
      for (const floppy of floppies) {
        if (floppy.image === undefined) continue
        const medium = openFloppyMedium(floppy.image, floppy.writable)
        this.#floppies.push({ floppy, disk: new GuestDisk(medium, DISK_SECTOR, onFailure) })
      }
    } catch (error) {
      for (const disk of this.#all()) disk.close()
      throw error
    }
  }

  /**
   * Replaces v86's own disk controller, which has a CD drive as secondary master and nothing but a CD drive there,
   * by one with these drives in their places.
   */
  attach(emulator: Emulator, floppies: readonly RunFloppy[]): void {
    const { cpu } = emulator.v86
    const standard = cpu.devices.ide
    cpu.devices.ide = new standard.constructor(
      cpu,
      standard.bus,
      [0, 1].map((channel) => [this.#configuration(channel, 0), this.#configuration(channel, 1)]),
    )
    this.#emulator = emulator
    flushWhenAsked(cpu.devices.ide.primary.master)
    for (const { drive, disk } of this.#drives) {
      const device = this.#interface(drive.channel, drive.unit)
      if (disk) disk.onWriteRefused = () => abortWrite(device)
    }
    const types = [0, 1].map((index) => (floppies.some((floppy) => floppy.index === index) ? 0xf : 0))
    const { rtc, fdc } = cpu.devices
    rtc.cmos_write(CMOS_FLOPPY_TYPES, rtc.cmos_read(CMOS_FLOPPY_TYPES) & ((types[0]! << 4) | types[1]!))
    for (const { floppy, disk } of this.#floppies)
      fdc.drives[floppy.index]!.insert_disk(disk, !floppy.writable)
    this.#chooseBootOrder()
  }

  /** Another disc, or none. The drive's tray makes the guest notice. @throws VivariumError. */
  changeCd(channel: number, unit: number, image: string | undefined): void {
    const place = this.#drives.find(({ drive }) => drive.channel === channel && drive.unit === unit)!
    const next = image === undefined ? undefined : this.#open({ ...place.drive, kind: 'cd', image })
    const device = this.#interface(channel, unit)
    device.eject()
    if (next) device.set_cdrom(next)
    place.disk?.close()
    place.disk = next
    this.#chooseBootOrder()
  }

  /** Tries again what failed. */
  retry(): void {
    for (const disk of this.#all()) disk.retry()
  }

  /** Flushes and closes every drive, whatever happens to the others. Returns what went wrong. */
  close(): unknown[] {
    const errors: unknown[] = []
    for (const disk of this.#all()) {
      try {
        disk.close()
      } catch (error) {
        errors.push(error)
      }
    }
    return errors
  }

  #all(): GuestDisk[] {
    return [...this.#drives, ...this.#floppies].map(({ disk }) => disk).filter((disk) => disk !== undefined)
  }

  #open(drive: RunDrive): GuestDisk | undefined {
    if (drive.kind === 'cd')
      return drive.image === undefined
        ? undefined
        : new GuestDisk(openCdMedium(drive.image), CD_SECTOR, this.#onFailure)
    return drive.disk && new GuestDisk(openDiskMedium(drive.disk), DISK_SECTOR, this.#onFailure)
  }

  #configuration(channel: number, unit: number): IdeDeviceConfiguration {
    const place = this.#drives.find(({ drive }) => drive.channel === channel && drive.unit === unit)
    const buffer: GuestBuffer | undefined = place?.disk
    return { ...(buffer && { buffer }), is_cdrom: place?.drive.kind === 'cd' }
  }

  #interface(channel: number, unit: number): IdeInterface {
    const { primary, secondary } = this.#emulator!.v86.cpu.devices.ide
    return (channel === 0 ? primary : secondary)[unit === 0 ? 'master' : 'slave']
  }

  /** Virtual PC's order, floppy, CD, hard disk, without the drives that are empty: SeaBIOS waits long for a disc. */
  #chooseBootOrder(): void {
    const order = [
      ...(this.#floppies.length > 0 ? [BOOT.floppy] : []),
      ...(this.#drives.some(({ drive, disk }) => drive.kind === 'cd' && disk) ? [BOOT.cd] : []),
      BOOT.disk,
    ]
    const [first, second = 0, third = 0] = order
    const { rtc } = this.#emulator!.v86.cpu.devices
    rtc.cmos_write(CMOS_BOOT_ORDER_1_2, first! | (second << 4))
    // Bit 0: no check of the floppy's signature.
    rtc.cmos_write(CMOS_BOOT_ORDER_3, (third << 4) | 1)
  }
}

const hooked = new WeakSet<object>()

/** v86 answers FLUSH CACHE without doing it. All interfaces share the prototype, so one hook serves them all. */
function flushWhenAsked({ constructor: { prototype } }: IdeInterface): void {
  if (hooked.has(prototype)) return
  hooked.add(prototype)
  const execute = prototype.ata_command
  prototype.ata_command = function (command) {
    if ((command === FLUSH_CACHE || command === FLUSH_CACHE_EXT) && this.buffer instanceof GuestDisk)
      this.buffer.flushOrFail()
    execute.call(this, command)
  }
}

/** Status: ready, seek complete, error; error: aborted. @source ATA/ATAPI-6, 7.2 and 8.60 (write-protected media). */
function abortWrite(device: IdeInterface): void {
  device.status_reg = 0x51
  device.error_reg = 0x04
  if (device.current_command !== WRITE_DMA && device.current_command !== WRITE_DMA_EXT) return
  device.current_command = -1
  // Bus master status (PIIX specification): no longer active, error.
  device.channel.dma_status = (device.channel.dma_status & ~1) | 2
  device.push_irq()
}
