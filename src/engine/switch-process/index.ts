export {
  adoptSwitch,
  type StartSwitchOptions,
  type SwitchClient,
  type SwitchEvents,
  startSwitch,
} from './client.ts'
export type {
  CaptureToFile,
  CaptureToSocket,
  SwitchEvent,
  SwitchNetwork,
  SwitchNetworkStatus,
  SwitchPortSettings,
  SwitchPortStatus,
  SwitchSettings,
  SwitchStatus,
} from './control.ts'
export type { JournalPaths } from './network-journals.ts'
export type { TrunkStatus } from './trunk.ts'
export type { UplinkStatus } from './uplink-supervisor.ts'
