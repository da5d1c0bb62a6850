export { type CatSpec, catDisk } from './cat.ts'
export { type CheckResult, check } from './check.ts'
export { type CloneResult, type CloneSpec, clone } from './clone.ts'
export { type CompactResult, compact } from './compact.ts'
export { type Compared, compare } from './compare.ts'
export {
  type Conversion,
  type ConversionStream,
  type Converted,
  convert,
  convertToStream,
} from './convert.ts'
export { convertInput, type InputConversion } from './convert-input.ts'
export { type CopyOutResult, copyOut, onlyVolume } from './copy-out.ts'
export { create, type NewDisk } from './create.ts'
export { type ExpandResult, expand } from './expand.ts'
export * from './inside/index.ts'
export { type MergeResult, type MergeSpec, merge } from './merge.ts'
export { type MergeOptions, mergeIntoParent } from './merge-into-parent.ts'
export * from './operation.ts'
export { operationNamed, operations } from './operations.ts'
export { sectorSizeNotes } from './plan-image.ts'
export { type RepairResult, repair } from './repair.ts'
export { type HealedLink, type ReparentResult, reparent } from './reparent.ts'
export { type ServedDisks, type ServedExport, type ServeSpec, serveDisks } from './serve/serve-disks.ts'
export { NBD_PORT } from './serve/uri.ts'
export { isLoopback } from './serve/who-may-come.ts'
export { unfinishedOf } from './source-disk.ts'
export { type SplitResult, type SplitSpec, split } from './split.ts'
export { type CreatedUndo, createUndoDisks } from './undo/create.ts'
export { type DecidedUndo, discardUndoDisks, keepUndoDisks } from './undo/decide.ts'
export { undoCommit, undoRecover } from './undo/operations.ts'
export type { FoundUndo } from './undo/recover.ts'
export { type UndoStatus, undoStatus } from './undo/status.ts'
export {
  layOutImage,
  type NewImage,
  type WriteImageOptions,
  writeImage,
  writeLaidImage,
} from './write-image.ts'
