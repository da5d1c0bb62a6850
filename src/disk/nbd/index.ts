export { NBD_ERROR } from './constants.ts'
export { type NbdCounters, NbdExport, type NbdFailure } from './export.ts'
export type { ReplyPage } from './replies.ts'
export { type Advance, NbdSession } from './session.ts'
