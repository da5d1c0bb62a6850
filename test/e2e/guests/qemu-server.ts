import { qemuEngine } from '../../../src/engine/engines/qemu/index.ts'
import type { Plan } from '../../../src/engine/index.ts'

/** A server in small: starts the machine of the plan that it gets, says how to find it again, and lives on. */
process.once('message', async (plan: Plan) => {
  const machine = await qemuEngine.start(plan)
  process.send!(machine.adoption)
  setInterval(() => undefined, 1000)
})
