import { z } from 'zod'
import { errorRecordSchema } from '../records.ts'

/**
 * How the parent talks with its disk server. Once, over the IPC channel of the fork: `StartOrder` there,
 * `StartAnswer` back. From then on over a Unix socket, so that a later server can take over: JSON lines,
 * `{id, command, ...}` there, `{id, result}` or `{id, error}` back, and `{event: 'failure', failure}` unasked.
 */

/** The files of a disk server in the folder of its run. */
export const FILES = { disks: 'disks.sock', control: 'disks-control.sock', log: 'disks.log' } as const

export interface StartOrder {
  readonly runFolder: string
  readonly exports: readonly {
    readonly name: string
    readonly disk: { readonly layers: readonly string[]; readonly writable: boolean }
    readonly refuseWrites?: boolean
  }[]
}

export const startAnswerSchema = z.union([
  z.object({ ready: z.literal(true) }),
  z.object({ error: errorRecordSchema }),
])
export type StartAnswer = z.infer<typeof startAnswerSchema>

export const commandSchema = z.discriminatedUnion('command', [
  z.object({ id: z.number(), command: z.literal('status') }),
  z.object({ id: z.number(), command: z.literal('watch'), pid: z.number().int().positive() }),
  z.object({ id: z.number(), command: z.literal('flush') }),
  z.object({ id: z.number(), command: z.literal('stop') }),
])
export type Command = z.infer<typeof commandSchema>

/** A request of the guest that its disk could not carry out: why the guest paused or sees errors. */
export const diskFailureSchema = z.object({
  exportName: z.string(),
  request: z.enum(['read', 'write', 'flush', 'trim', 'write-zeroes', 'block-status']),
  /** Byte offset and length in the guest's disk. */
  offset: z.number(),
  length: z.number(),
  /** What the engine was told. */
  errno: z.enum(['EPERM', 'EIO', 'ENOSPC']),
  error: errorRecordSchema,
})
export type DiskFailure = z.infer<typeof diskFailureSchema>

const counter = z.number()
export const diskServerStatusSchema = z.object({
  pid: z.number(),
  /** NBD clients connected now. */
  connections: z.number(),
  /** The process it lives for. */
  watchedPid: z.number().optional(),
  exports: z.array(
    z.object({
      name: z.string(),
      format: z.string(),
      sizeBytes: z.number(),
      writable: z.boolean(),
      /** Written to since the last flush. */
      unflushed: z.boolean(),
      counters: z.object({
        reads: counter,
        writes: counter,
        bytesRead: counter,
        bytesWritten: counter,
        flushes: counter,
        failures: counter,
      }),
    }),
  ),
  lastFailure: diskFailureSchema.optional(),
})
export type DiskServerStatus = z.infer<typeof diskServerStatusSchema>

export const controlMessageSchema = z.union([
  z.object({ event: z.literal('failure'), failure: diskFailureSchema }),
  z.object({ id: z.number(), error: errorRecordSchema }),
  z.object({ id: z.number(), result: z.unknown() }),
])
export type ControlMessage = z.infer<typeof controlMessageSchema>
