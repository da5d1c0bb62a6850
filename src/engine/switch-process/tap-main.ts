import { VivariumError } from '../../base/index.ts'
import { framesOf, LENGTH_BYTES, MAXIMUM_FRAME_BYTES, RunReader } from '../../network/index.ts'
import { openTapDevice, type TapDevice } from '../../system/index.ts'
import { settleInterface } from './tap-interface.ts'
import { tapTaskSchema } from './tap-task.ts'

/**
 * The process of a tap uplink: `tap-main TASK`, with the wire to the switch as descriptor 3. It carries frames with
 * calls that wait, and ends when the switch lets go of the wire. Why it cannot begin it says over IPC.
 */

const WIRE = 3
const BATCH_BYTES = 256 * 1024

function carry(device: TapDevice): void {
  const reader = new RunReader()
  const incoming = new Uint8Array(64 * 1024)
  const outgoing = new Uint8Array(BATCH_BYTES)
  const lengths = new DataView(outgoing.buffer)
  for (;;) {
    const ready = device.wait(WIRE)
    if (ready.device) {
      let filled = 0
      while (filled + LENGTH_BYTES + MAXIMUM_FRAME_BYTES <= BATCH_BYTES) {
        const length = device.read(outgoing.subarray(filled + LENGTH_BYTES))
        if (length === 0) break
        lengths.setUint32(filled, length)
        filled += LENGTH_BYTES + length
      }
      if (filled > 0) device.writeTo(WIRE, outgoing.subarray(0, filled))
    }
    if (ready.other) {
      const length = device.readFrom(WIRE, incoming)
      if (length === 0) return
      reader.push(incoming.subarray(0, length), (run) => {
        for (const frame of framesOf(run)) device.write(frame)
      })
    }
  }
}

function begin(): TapDevice {
  const task = tapTaskSchema.parse(JSON.parse(process.argv[2] ?? ''))
  try {
    const device = openTapDevice(task.interface)
    settleInterface(task)
    return device
  } catch (error) {
    if (!(error instanceof VivariumError) || error.kind !== 'denied') throw error
    const { kind, code, message, where } = error
    throw new VivariumError(kind, code, message, { where, next: `Run: ${task.preparation}` })
  }
}

try {
  const device = begin()
  process.send?.({ isUp: true }, () => {
    process.disconnect()
    carry(device)
    process.exit(0)
  })
} catch (error) {
  const failure =
    error instanceof VivariumError
      ? error.toJSON()
      : { message: `The tap device cannot be used: ${(error as Error).message}.` }
  process.send?.({ error: failure }, () => process.exit(1))
}
