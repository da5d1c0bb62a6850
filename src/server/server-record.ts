import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { identifyProcess, isSameProcess, writeFileAtomically } from '../system/index.ts'
import type { DataFolder } from './data-folder.ts'

const serverRecordSchema = z.object({
  url: z.string(),
  process: z.object({ pid: z.number(), startTicks: z.number() }),
})

/** The server that has this data folder open now, if any; an empty URL while it is starting. */
export function findServer(folder: DataFolder): { url: string } | undefined {
  try {
    const record = serverRecordSchema.parse(JSON.parse(readFileSync(folder.serverRecord, 'utf8')))
    return isSameProcess(record.process) && record.process.pid !== process.pid
      ? { url: record.url }
      : undefined
  } catch {
    return undefined
  }
}

/** Notes which process serves this data folder, and where. */
export function recordServer(folder: DataFolder, url: string): void {
  const identity = identifyProcess(process.pid) ?? { pid: process.pid, startTicks: 0 }
  writeFileAtomically(folder.serverRecord, `${JSON.stringify({ url, process: identity })}\n`)
}
