import type { Problem } from '../base/index.ts'
import type { ProductStamp } from './machine.ts'

export interface MachineDriveReport {
  bus: 'ide' | 'scsi'
  channel: number
  unit: number
  kind: 'disk' | 'cd'
  /** As the file says it. */
  path?: string | undefined
  resolvedPath?: string | undefined
  hostDrive?: string | undefined
  undoPath?: string | undefined
  resolvedUndoPath?: string | undefined
}

export interface AdapterReport {
  index: number
  mac?: string | undefined
  network: string
  networkKind: 'none' | 'nat' | 'network'
}

/** What `vivarium inspect` shows of a machine file. Paths are resolved by the caller (see `system`). */
export interface MachineReport {
  kind: 'machine'
  path: string
  /** vmc or vmcx */
  format: string
  encoding: string
  name: string
  memoryMB: number
  disks: MachineDriveReport[]
  floppies: { index: number; path?: string | undefined; resolvedPath?: string | undefined }[]
  adapters: AdapterReport[]
  serialPorts: { index: number; kind: 'none' | 'host' | 'file' | 'pipe'; path?: string | undefined }[]
  parallelPort: string
  sound: boolean
  undoEnabled: boolean
  savedState?: string | undefined
  guestOs?: string | undefined
  notes?: string | undefined
  biosGuid?: string | undefined
  creator?: ProductStamp | undefined
  modifier?: ProductStamp | undefined
  problems: Problem[]
}

/** Addresses dotted, times in seconds. */
export interface DhcpReport {
  enabled: boolean
  network?: string | undefined
  mask?: string | undefined
  start?: string | undefined
  end?: string | undefined
  server?: string | undefined
  gateway?: string | undefined
  dns: string[]
  wins: string[]
  leaseSeconds?: number | undefined
  renewalSeconds?: number | undefined
  rebindingSeconds?: number | undefined
}

/** Options.xml and VNC: the virtual networks they describe. */
export interface NetworkReport {
  kind: 'network' | 'options'
  path: string
  format: string
  encoding: string
  networks: {
    name: string
    id?: string | undefined
    hostAdapter?: string | undefined
    dhcp?: DhcpReport | undefined
    notes?: string | undefined
    /** What Virtual Server had no place for, as the file has it below our own key. */
    own?: Readonly<Record<string, unknown>> | undefined
  }[]
  problems: Problem[]
}
