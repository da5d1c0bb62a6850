export * from './archive.ts'
export * from './entry.ts'
export * from './inside.ts'
export * from './inside-path.ts'
