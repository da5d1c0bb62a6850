import type { DiskUse } from './disk-use.ts'
import type { Engines } from './engines.ts'
import type { EventLog } from './event-log.ts'
import type { Networks } from './networks/index.ts'
import type { Registry } from './registry.ts'
import type { Tasks } from './tasks.ts'
import type { UndoDisks } from './undo-disks.ts'

/** What a machine sees of the server it lives in. */
export interface Surroundings {
  readonly registry: Registry
  readonly events: EventLog
  readonly tasks: Tasks
  readonly engines: Engines
  readonly networks: Networks
  readonly undoDisks: UndoDisks
  /** Folder of the runs' sockets. */
  readonly runRoot: string
  /** Folders that a machine file may refer into. */
  rootsFor(machinePath: string): readonly string[]
  /** In a folder of its own below the library. */
  isInLibrary(path: string): boolean
  /** @throws as `demandFree` of disk-use.ts. */
  demandFree(machineId: string, use: DiskUse): void
}
