import { basename } from 'node:path'
import { z } from 'zod'
import { AGAIN_DOES_THE_REST, defineOperation } from '../operation.ts'
import { commitUndoDisks, type DecidedUndo } from './decide.ts'
import { type FoundUndo, recoverUndoDisk } from './recover.ts'

const commitSchema = z.strictObject({
  /** A machine file that records its undo disks. */
  machine: z.string(),
})

/** Writes a machine's undo disks into its disks, and removes them. */
export const undoCommit = defineOperation<z.infer<typeof commitSchema>, DecidedUndo>({
  name: 'undo-commit',
  schema: commitSchema,
  title: ({ machine }) => `Commit the undo disks of ${basename(machine)}`,
  ifStopped: () => AGAIN_DOES_THE_REST,
  run: ({ machine }, control) => commitUndoDisks(machine, control),
})

const recoverSchema = z.strictObject({
  undo: z.string(),
  attach: z.boolean().default(false),
  commit: z.boolean().default(false),
})

/** Finds out where an orphan undo disk belongs; attaches or commits it on demand. */
export const undoRecover = defineOperation<z.infer<typeof recoverSchema>, FoundUndo>({
  name: 'undo-recover',
  schema: recoverSchema,
  title: ({ undo }) => `Find the disk of ${basename(undo)}`,
  ifStopped: ({ attach, commit }) => (attach || commit ? AGAIN_DOES_THE_REST : ''),
  run: ({ undo, attach, commit }, control) => recoverUndoDisk(undo, { attach, commit }, control),
})
