export {
  adoptDiskServer,
  type DiskExport,
  type DiskServerAdoption,
  type DiskServerHandle,
  startDiskServer,
} from './client.ts'
export type { DiskServerEvents } from './control-client.ts'
export type { DiskFailure, DiskServerStatus } from './control-protocol.ts'
