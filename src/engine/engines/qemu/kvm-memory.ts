import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { makeFolder, writeFileAtomically } from '../../../system/index.ts'
import type { Accelerator } from '../../engine.ts'

const memorySchema = z.object({
  key: z.string(),
  at: z.number(),
  accelerator: z.object({ name: z.enum(['kvm', 'tcg', 'wasm']), usable: z.boolean(), reason: z.string() }),
})

/** A failure may have been one of a busy moment, so it is not believed for long. */
const FAILURE_MILLISECONDS = 3600_000

/**
 * Remembers what the KVM probe found, for this boot of the computer and this QEMU: a probe of a broken KVM costs
 * seconds of a processor, and every start of the server would pay them again.
 */
export async function rememberedProof(
  program: string,
  prove: (program: string) => Promise<Accelerator>,
  file: string = memoryFile(),
): Promise<Accelerator> {
  const key = keyOf(program)
  const known = key === undefined ? undefined : read(file)
  if (known?.key === key && known !== undefined) {
    if (known.accelerator.usable || Date.now() - known.at < FAILURE_MILLISECONDS) return known.accelerator
  }
  const accelerator = await prove(program)
  if (key !== undefined) write(file, { key, at: Date.now(), accelerator })
  return accelerator
}

function memoryFile(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'vivarium', 'kvm.json')
}

/** Undefined where the system does not say which boot this is: then nothing is remembered. */
function keyOf(program: string): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${program} ${statSync(program).mtimeMs}`
  } catch {
    return undefined
  }
}

function read(file: string): z.infer<typeof memorySchema> | undefined {
  try {
    return memorySchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

function write(file: string, memory: z.infer<typeof memorySchema>): void {
  try {
    makeFolder(dirname(file))
    writeFileAtomically(file, `${JSON.stringify(memory)}\n`)
  } catch {
    // Without a place to remember, the next start proves it again.
  }
}
