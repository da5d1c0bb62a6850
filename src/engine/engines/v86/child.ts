import { Machine } from './machine.ts'
import type { Call, CallMessage, Message } from './messages.ts'
import { recordOf } from './messages.ts'

/**
 * The process of one machine under v86. It lives as long as the process that started it: when that goes, in
 * whatever way, the IPC channel closes, and the disks are flushed and closed.
 */

let machine: Machine | undefined

function send(message: Message): void {
  if (process.connected) process.send?.(message)
}

async function end(code: number): Promise<never> {
  await machine?.close(code !== 0)
  process.exit(code)
}

async function carryOut(call: Call): Promise<void> {
  switch (call.method) {
    case 'start':
      machine = await Machine.start(call.spec, (message) => {
        send(message)
        if (message.kind === 'guest-off') void end(0)
      })
      return
    case 'pause':
      return machine?.pause()
    case 'resume':
      return machine?.resume()
    case 'reset':
      return machine?.reset()
    case 'changeCd':
      return machine?.changeCd(call.channel, call.unit, call.image)
    case 'turnOff':
      return machine?.close()
  }
}

async function answer({ id, call }: CallMessage): Promise<void> {
  const error = await carryOut(call).then(
    () => undefined,
    (reason: unknown) => recordOf(reason),
  )
  const over = call.method === 'turnOff' || (call.method === 'start' && error !== undefined)
  const message: Message = { kind: 'answer', id, ...(error && { error }) }
  // The process may end only when the answer is on its way.
  if (over) process.send?.(message, () => void end(0))
  else send(message)
}

function crash(reason: unknown): void {
  console.error(reason)
  send({ kind: 'error', error: recordOf(reason) })
  void end(1)
}

process.on('message', (message: CallMessage) => void answer(message))
process.on('disconnect', () => void end(0))
process.on('SIGTERM', () => void end(0))
// Ctrl-C in a terminal reaches all its processes; the server decides what it means for this one.
process.on('SIGINT', () => {})
process.on('SIGHUP', () => {})
process.on('uncaughtException', crash)
process.on('unhandledRejection', crash)
