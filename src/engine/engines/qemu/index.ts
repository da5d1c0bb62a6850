import type { Accelerator, Engine } from '../../engine.ts'
import { adoptQemu } from './adopt.ts'
import { proveKvm } from './kvm.ts'
import { rememberedProof } from './kvm-memory.ts'
import { planQemu } from './plan.ts'
import { startQemu } from './start.ts'
import { surveyQemu } from './survey.ts'

/**
 * QEMU as a process of its own, with a disk server beside it.
 *
 *     survey.ts    is there a QEMU, which, and does KVM really run (kvm.ts)
 *     plan.ts      machine -> command line (argv.ts), pure
 *     start.ts     disk server -> QEMU -> control connection (qmp.ts) -> network cables (cables.ts)
 *     machine.ts   the run: commands out, events in, one way to end
 *     adopt.ts     the run again, after a restart of the server
 */
function createQemuEngine(): Engine {
  const proofs = new Map<string, Promise<Accelerator>>()
  // A proof takes seconds where KVM is broken, and a host's KVM does not change while we run.
  const kvmOf = (program: string): Promise<Accelerator> => {
    const proof = proofs.get(program) ?? rememberedProof(program, proveKvm)
    proofs.set(program, proof)
    return proof
  }
  return {
    name: 'qemu',
    survey: () => surveyQemu(process.env, kvmOf),
    plan: planQemu,
    start: startQemu,
    adopt: adoptQemu,
  }
}

export const qemuEngine: Engine = createQemuEngine()
