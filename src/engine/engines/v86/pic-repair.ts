import type { Cpu } from './emulator.ts'

/** Offsets in v86's record of one interrupt controller. */
const MASK = 0
const REQUESTS = 3
/** The slave controller hangs on the master's line 2. */
const CASCADE = 1 << 2

/**
 * Repairs v86's cascade of interrupt controllers.
 *
 * When the slave's request goes away before the processor took it (a network card's driver does that all the time),
 * v86 leaves the cascade bit in the master's request register. The next acknowledge then marks line 2 as in service
 * and delivers nothing, no end-of-interrupt ever comes, and IRQ 8 to 15 (network, disks, mouse) are dead for good.
 * So whenever the slave has nothing pending, the stale bit is cleared: after an IRQ line above 7 was lowered, and
 * before every slice of the processor (the guest masks lines by ports that only v86's compiled half sees).
 */
export function repairInterruptCascade(cpu: Cpu): void {
  const master = cpu.get_pic_addr_master()
  const slave = cpu.get_pic_addr_slave()
  let memory = new Uint8Array(cpu.wasm_memory.buffer)
  const clearStale = () => {
    // The buffer is another one after v86 grew its memory.
    if (memory.buffer !== cpu.wasm_memory.buffer) memory = new Uint8Array(cpu.wasm_memory.buffer)
    const pending = memory[slave + REQUESTS]! & memory[slave + MASK]!
    if (pending === 0) memory[master + REQUESTS]! &= ~CASCADE
  }
  const lower = cpu.device_lower_irq
  cpu.device_lower_irq = function (irq) {
    lower.call(this, irq)
    if (irq >= 8) clearStale()
  }
  const run = cpu.main_loop
  cpu.main_loop = function () {
    clearStale()
    return run.call(this)
  }
}
