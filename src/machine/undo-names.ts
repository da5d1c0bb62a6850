/**
 * Virtual PC names a machine's undo disks VirtualPCUndo_NAME_BUS_LOCATION_hhmmssMMDDYYYY.vud and keeps them beside the
 * machine file (formats.md 5.1). The time is taken for UTC; bus and location for the IDE channel and the place on it.
 */
export interface UndoName {
  /** The machine's name; cut short where it is very long. */
  readonly machine: string
  readonly channel: number
  readonly unit: number
  /** ISO 8601, when the name tells a time that there is. */
  readonly time?: string
}

/** A file name has 255 bytes, and a machine's name alone may have that many. */
const MAX_MACHINE_BYTES = 180

export function undoFileName(name: string, position: { channel: number; unit: number }, time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const stamp = [
    time.getUTCHours(),
    time.getUTCMinutes(),
    time.getUTCSeconds(),
    time.getUTCMonth() + 1,
    time.getUTCDate(),
  ].map(two)
  const year = String(time.getUTCFullYear()).padStart(4, '0')
  return `VirtualPCUndo_${shortened(name)}_${position.channel}_${position.unit}_${stamp.join('')}${year}.vud`
}

function shortened(name: string): string {
  return new TextDecoder()
    .decode(new TextEncoder().encode(name).subarray(0, MAX_MACHINE_BYTES))
    .replace(/\ufffd$/, '')
}

/** What an undo disk's name tells; undefined for a file that is not called like one. */
export function parseUndoFileName(fileName: string): UndoName | undefined {
  const match =
    /^VirtualPCUndo_(.+)_(\d{1,2})_(\d{1,2})_(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{4})\.vud$/i.exec(fileName)
  if (match === null) return undefined
  const [, machine = '', channel, unit, hour, minute, second, month, day, year] = match
  const time = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`
  const isTime = !Number.isNaN(Date.parse(time))
  return { machine, channel: Number(channel), unit: Number(unit), ...(isTime && { time }) }
}

/** Whether an undo disk of that name may be one of the machine. */
export function isUndoOf({ machine }: UndoName, name: string): boolean {
  return machine.toLowerCase() === shortened(name).toLowerCase()
}
