import type { Emulator } from './emulator.ts'

/** Where a BIOS of Bochs or QEMU writes "Shutdown" for APM's power-off. */
const APM_SHUTDOWN_PORT = 0x8900
const SHUTDOWN = 'Shutdown'
/** How v86's panic begins where a real processor would find no handler for its fault: a triple fault. */
const TRIPLE_FAULT = 'Unimplemented: #GP handler'

export interface PowerEvents {
  /** The guest is off: by APM, or halted with interrupts disabled, out of which no PC comes back by itself. */
  off(): void
  /** The guest pressed its own reset: keyboard controller or PCI reset port. The emulator goes on. */
  reset(): void
  /** The processor reset itself by a triple fault; this emulator is unusable, another has to take over. */
  tripleFault(): void
}

/** Tells when the guest switches itself off or resets. `resetByHost` says that a reset is the host's own. */
export function watchPower(emulator: Emulator, events: PowerEvents): { resetByHost(): void } {
  const { cpu } = emulator.v86
  let written = ''
  cpu.io.register_write(APM_SHUTDOWN_PORT, {}, (byte) => {
    written = (written + String.fromCharCode(byte)).slice(-SHUTDOWN.length)
    if (written === SHUTDOWN) events.off()
  })
  emulator.add_listener('cpu-event-halt', () => events.off())
  let byHost = false
  const reboot = cpu.reboot_internal
  cpu.reboot_internal = function () {
    if (!byHost) events.reset()
    reboot.call(this)
  }
  surviveTripleFault(emulator, events)
  return {
    resetByHost() {
      byHost = true
      emulator.restart()
      byHost = false
    },
  }
}

/**
 * v86 panics at a triple fault; old systems reset the PC by one on purpose. Every other panic goes on as what it is,
 * a crash of the emulator.
 */
function surviveTripleFault(emulator: Emulator, events: PowerEvents): void {
  const { cpu } = emulator.v86
  const run = cpu.main_loop
  cpu.main_loop = function () {
    const print = console.error
    let panic = ''
    console.error = (...parts) => {
      panic += parts.join(' ')
      print(...parts)
    }
    try {
      return run.call(this)
    } catch (error) {
      if (!panic.includes(TRIPLE_FAULT)) throw error
      void emulator.stop()
      events.tripleFault()
      return 0
    } finally {
      console.error = print
    }
  }
}
