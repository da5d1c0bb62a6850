import { z } from 'zod'
import { VivariumError } from '../base/index.ts'

/**
 * What a service is to remember when the process that runs its network is gone: entries, each with a key. The newest
 * of a key counts, and what is put and removed in one turn of the event loop is kept whole or not at all.
 */
export interface Journal<Entry> {
  /** What was kept last, unchecked. */
  load(): unknown
  /** New, or in the place of the one with the same key. */
  put(entry: Entry): void
  remove(key: string): void
  /**
   * Calls back when all that was put and removed so far survives a power failure, or cannot be saved. When too many
   * wait for a slow disk it never calls back: a guest that hears nothing asks again.
   */
  whenSaved(action: () => void): void
}

/** Keeps entries as long as the network lives. */
export function memoryJournal<Entry>(keyOf: (entry: Entry) => string): Journal<Entry> {
  const kept = new Map<string, Entry>()
  return {
    load: () => [...kept.values()],
    put: (entry) => kept.set(keyOf(entry), entry),
    remove: (key) => kept.delete(key),
    whenSaved: (action) => action(),
  }
}

/** More than any service keeps. */
const MAXIMUM_ENTRIES = 65_536

/** @throws VivariumError kind `malformed` with the code and texts given, when what was kept are not such entries. */
export function loadEntries<Entry>(
  journal: Journal<Entry>,
  schema: z.ZodType<Entry>,
  malformed: { readonly code: string; readonly message: string; readonly next: string },
): readonly Entry[] {
  const entries = z.array(schema).max(MAXIMUM_ENTRIES).safeParse(journal.load())
  if (entries.success) return entries.data
  throw new VivariumError('malformed', malformed.code, malformed.message, { next: malformed.next })
}

/** What is already saved is there at once, without a promise. */
export function afterSaving<Value>(journal: Journal<never>, value: Value): Value | Promise<Value> {
  let isSaved = false
  const { promise, resolve } = Promise.withResolvers<Value>()
  journal.whenSaved(() => {
    isSaved = true
    resolve(value)
  })
  return isSaved ? value : promise
}
