export { type ResolvedChain, type ResolvedLayer, type ResolveOptions, resolveChain } from './disk-chains.ts'
export { childrenOf } from './disk-children.ts'
export { beingWritten, circumstancesOf } from './disk-circumstances.ts'
export { createDiskFile, formatNamed, layoutParentOf, type NewDiskFile } from './disk-create.ts'
export { factsOfFile, openDiskStore, readOptionsFor, realPath, requireInside } from './disk-files.ts'
export * from './disk-inspect.ts'
export { claimDiskFile, claimDiskFiles, type DiskClaim, isOpenForWriting } from './disk-locks.ts'
export * from './disk-repair.ts'
export { deflateWithZlib, imageOptionsFor } from './disk-surroundings.ts'
export * from './disks.ts'
export * from './files.ts'
export * from './folders.ts'
export { askFor, type FileRange, WriteBehind } from './host-hints.ts'
export * from './image-files.ts'
export * from './machine-files.ts'
export { type ReferenceOptions, resolveReference } from './machine-references.ts'
export * from './merge-marker.ts'
export { type NativeFiles, nativeFiles } from './native.ts'
export * from './nbd/index.ts'
export { createFiles, type NewFiles, requireAbsent } from './new-files.ts'
export { rawParentNote } from './parent-problems.ts'
export * from './private-socket.ts'
export * from './processes.ts'
export { systemError } from './system-error.ts'
export { openTapDevice, type TapDevice } from './tap-device.ts'
export {
  readTlsRules,
  secure,
  type TlsFiles,
  type TlsRules,
  tlsClientOptions,
} from './tls.ts'
export { demandFinished, type EvenIfUnfinished, unfinishedWork } from './unfinished-work.ts'
export * from './write-stream.ts'
