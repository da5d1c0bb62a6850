import { join } from 'node:path'

/** Every file that a run of QEMU has in its run folder, named once. */
export interface RunPaths {
  /** The NBD server of this machine's disks. */
  readonly disks: string
  readonly qmp: string
  readonly console: string
  /** What QEMU itself printed. */
  readonly log: string
  serial(index: number): string
  serialLog(index: number): string
}

export function runPaths(runFolder: string): RunPaths {
  return {
    disks: join(runFolder, 'disks.sock'),
    qmp: join(runFolder, 'qmp.sock'),
    console: join(runFolder, 'console.sock'),
    log: join(runFolder, 'qemu.log'),
    serial: (index) => join(runFolder, `serial${index}.sock`),
    serialLog: (index) => join(runFolder, `serial${index}.log`),
  }
}
