import { writeSync } from 'node:fs'
import { VivariumError } from '../../base/index.ts'
import { systemError } from '../../system/index.ts'
import type { ExtractEvent } from './entry.ts'
import { guestIn } from './guest-search.ts'
import { ANSWERS_FD, type Answer, FRAME, FRAME_HEADER, type Opening, type Request } from './protocol.ts'
import { Session } from './session.ts'

/** The process that reads the file systems of one disk. They are hostile until read: it may be ended at any moment. */
let session: Session | undefined

process.once('disconnect', () => process.exit(0))
process.on('message', (message: { open: Opening } | Request) => {
  if ('open' in message) session = new Session(message.open)
  else void answer(message)
})

async function answer(request: Request): Promise<void> {
  try {
    say({ done: await carryOut(request) })
  } catch (error) {
    const known = error instanceof VivariumError ? error : systemError(error, 'reader')
    say({ error: known.toJSON() as Extract<Answer, { error: unknown }>['error'] })
  }
}

async function carryOut(request: Request): Promise<unknown> {
  const disk = session!
  if (request.ask === 'volumes') return disk.volumes()
  if (request.ask === 'guest') return (await guestIn(disk)) ?? null
  const volume = disk.volume(request.volume)
  const { tree, problems } = await volume.listed()
  switch (request.ask) {
    case 'list':
      return { entries: tree.list(request.path), problems }
    case 'total':
      return { ...tree.total(request.path), problems }
    case 'extract':
      return volume.extract(request.path, tell)
  }
}

function tell(event: ExtractEvent): void {
  if (event.event === 'data') frame(FRAME.data, event.bytes)
  else say(event)
}

function say(answered: Answer | Exclude<ExtractEvent, { event: 'data' }>): void {
  frame(FRAME.json, Buffer.from(JSON.stringify(answered)))
}

function frame(kind: number, payload: Uint8Array): void {
  const header = Buffer.alloc(FRAME_HEADER)
  header.writeUInt32LE(payload.length, 0)
  header[4] = kind
  put(header)
  put(payload)
}

/** Waits until there is room. Nobody at the other end = nothing left to do. */
function put(bytes: Uint8Array): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(ANSWERS_FD, bytes, done)
  } catch {
    process.exit(0)
  }
}
