/**
 * One neutral model of a machine. A machine file (VMC today) is read into it; engines, the site and porting
 * see nothing else. The file's own document keeps everything that the model does not name.
 */

/** A file as a machine file names it: Windows or POSIX paths, either may be missing or empty. */
export interface FileReference {
  readonly absolute?: string
  readonly relative?: string
}

export interface Drive {
  readonly bus: 'ide' | 'scsi'
  /** IDE channel 0 or 1; SCSI controller 0 to 3. */
  readonly channel: number
  /** IDE 0 = master, 1 = slave; SCSI id. */
  readonly unit: number
  readonly kind: 'disk' | 'cd'
  /** Absent: an empty drive, or a host drive (see `hostDrive`). */
  readonly image?: FileReference
  /** A drive letter of the old host, for example "D". */
  readonly hostDrive?: string
  readonly undo?: FileReference
}

export interface FloppyDrive {
  readonly index: number
  readonly image?: FileReference
}

export type NetworkReference =
  | { readonly kind: 'none' }
  | { readonly kind: 'nat'; readonly id: string }
  | { readonly kind: 'network'; readonly id: string; readonly name: string }

export interface Adapter {
  readonly index: number
  /** "00:03:ff:12:34:56"; absent: made at first start. */
  readonly mac?: string
  readonly network: NetworkReference
}

export interface SerialPort {
  readonly index: number
  readonly kind: 'none' | 'host' | 'file' | 'pipe'
  readonly path?: string
}

export interface ProductStamp {
  readonly name: string
  readonly build: string
  /** "Virtual PC 2007 SP1" and the like, where name and build are known. */
  readonly product?: string
}

export interface Machine {
  readonly name: string
  readonly memoryMB: number
  readonly drives: readonly Drive[]
  readonly floppies: readonly FloppyDrive[]
  readonly adapters: readonly Adapter[]
  readonly serialPorts: readonly SerialPort[]
  readonly parallelPort: { readonly kind: 'none' | 'host' }
  readonly sound: boolean
  readonly videoMemoryMB: number
  readonly undoEnabled: boolean
  readonly savedState?: FileReference
  /** "{XXXXXXXX-...}" as in the file. */
  readonly biosGuid?: string
  readonly guestOs?: string
  readonly notes?: string
  readonly creator?: ProductStamp
  readonly modifier?: ProductStamp
}
