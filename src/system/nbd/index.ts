export { FlushSchedule } from './flush-schedule.ts'
export { type NbdAddress, type NbdListener, type ServeOptions, serveNbd } from './listener.ts'
