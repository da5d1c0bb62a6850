import type { Machine, SerialPort } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'

/** The codes of the file; Virtual Server's COM interface counts the same kinds from 0 (formats.md 2.4). */
export const PORT_TYPE = { none: 0, host: 1, file: 2, pipe: 3 } as const
const KIND_OF_TYPE: readonly SerialPort['kind'][] = ['none', 'host', 'file', 'pipe']

/** `<serial_port>` without id holds what the ports share; those with one are COM1 (0) and COM2 (1). */
export function readSerialPorts(superIo: GroupReader): SerialPort[] {
  const ports = new Map<number, SerialPort>()
  for (const group of superIo.groups('serial_port')) {
    const index = group.index
    if (index !== 0 && index !== 1) {
      group.problem('position-invalid', 'warning', 'There are only the serial ports 0 and 1.', 'Remove it.')
    } else if (ports.has(index)) {
      group.problem(
        'position-twice',
        'warning',
        `Serial port ${index} is there twice.`,
        'Remove one of them.',
      )
    } else ports.set(index, readSerialPort(group, index))
  }
  return [...ports.values()].sort((a, b) => a.index - b.index)
}

function readSerialPort(group: GroupReader, index: number): SerialPort {
  const name = `COM${index + 1}`
  const type = group.integer('port_type') ?? PORT_TYPE.none
  const kind = KIND_OF_TYPE[type]
  if (kind === undefined) {
    const text = `${name} has the unknown type ${type}; 0 to 3 are known.`
    group.problem('port-type', 'warning', text, 'It is left unconnected.', 'port_type')
    return { index, kind: 'none' }
  }
  // Keys of an earlier choice stay in the file, so only the one that fits the type counts.
  const path =
    kind === 'file' ? group.text('text_file_path') : kind === 'pipe' ? group.text('pipe_name') : undefined
  if (kind === 'file') {
    group.problem(
      'port-to-file',
      'note',
      `${name} was written to the text file ${path ?? '(none named)'}.`,
      'Here its output is kept in the log of the run.',
      'text_file_path',
    )
  } else if (kind === 'host') {
    const text = `${name} was a serial port of the old host; here nothing is connected to it.`
    group.problem('port-of-host', 'warning', text, 'Its output is kept in the log of the run.', 'port_type')
  }
  return { index, kind, ...(path !== undefined && { path }) }
}

export function readParallelPort(superIo: GroupReader): Machine['parallelPort'] {
  const group = superIo.group('parallel_port')
  const type = group.integer('port_type') ?? 0
  if (type === 0) return { kind: 'none' }
  group.problem(
    'port-of-host',
    'warning',
    'LPT1 was a parallel port of the old host; here nothing is connected to it.',
    undefined,
    'port_type',
  )
  return { kind: 'host' }
}
