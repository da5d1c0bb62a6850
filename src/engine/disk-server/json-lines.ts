import type { Socket } from 'node:net'

/** Nothing we say to ourselves is longer; a longer line ends the connection. Characters. */
const LINE_LENGTH = 1024 * 1024

/** Calls `onValue` for every line that is JSON; anything else ends the connection. */
export function readJsonLines(socket: Socket, onValue: (value: unknown) => void): void {
  let rest = ''
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    if (rest.length > LINE_LENGTH) socket.destroy()
    for (const line of lines) {
      const value = parsed(line)
      if (value === undefined) socket.destroy()
      else onValue(value)
    }
  })
}

export function writeJsonLine(socket: Socket, value: unknown, onSent?: () => void): void {
  if (socket.destroyed || !socket.writable) onSent?.()
  else socket.write(`${JSON.stringify(value)}\n`, () => onSent?.())
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
