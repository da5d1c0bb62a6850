export * from './assemble.ts'
