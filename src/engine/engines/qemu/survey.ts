import { execFile } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import type { Accelerator, AdapterModel, EngineFacts } from '../../engine.ts'
import { DEVICE_OF_MODEL, SANDBOX } from './argv.ts'
import { proveKvm } from './kvm.ts'

/** The variable that names a QEMU of the user's choice: a path, or a name to look for in PATH. */
export const PROGRAM_VARIABLE = 'VIVARIUM_QEMU'
const PROGRAMS = ['qemu-system-i386', 'qemu-system-x86_64']
/** The first with `-netdev stream`, which joins our switch. */
const OLDEST = [7, 2] as const
const INSTALL = 'On Debian or Ubuntu: apt install qemu-system-x86.'

/**
 * What QEMU can take. Memory: 36 address bits (PAE) of the 32-bit processor it emulates for us, far beyond
 * the 3712 MB of Virtual PC. Drives: two IDE channels of two. Adapters: PCI slots 3 to 6, as many as Virtual PC.
 */
export const LIMITS: EngineFacts['limits'] = { memoryMB: 32768, drives: 4, adapters: 4 }

type Environment = Readonly<Record<string, string | undefined>>

/** Looks for QEMU, asks it what it has, and tries KVM. Starts programs, changes nothing. Never throws. */
export async function surveyQemu(
  environment: Environment,
  kvmOf: (program: string) => Promise<Accelerator> = proveKvm,
): Promise<EngineFacts> {
  const program = findProgram(environment)
  if (program === undefined) return missing(notFound(environment))
  const version = versionIn((await ask(program, ['-version'])).text)
  if (version === undefined) {
    return missing(`${program} does not say which version of QEMU it is. ${INSTALL}`)
  }
  if (isOlder(version)) {
    return missing(`QEMU ${version} is too old: Vivarium needs ${OLDEST.join('.')} or newer.`, version)
  }
  // With the sandbox, so that a QEMU without seccomp shows itself here and not at the first start.
  const devices = await ask(program, ['-sandbox', SANDBOX, '-device', 'help'])
  const adapterModels = modelsIn(devices.text)
  if (!devices.done || adapterModels.length === 0) {
    return missing(`QEMU ${version} does not list its devices: ${devices.text.trim().slice(0, 200)}`, version)
  }
  return {
    name: 'qemu',
    available: true,
    version,
    program,
    reason: `QEMU ${version} is installed (${program}).`,
    accelerators: [await kvmOf(program), TCG],
    adapterModels,
    limits: LIMITS,
  }
}

const TCG: Accelerator = {
  name: 'tcg',
  usable: true,
  reason: "QEMU translates the guest's code; it works on every computer, slower than KVM.",
}

function missing(reason: string, version?: string): EngineFacts {
  return {
    name: 'qemu',
    available: false,
    ...(version !== undefined && { version }),
    reason,
    accelerators: [],
    adapterModels: [],
    limits: LIMITS,
  }
}

function notFound(environment: Environment): string {
  const wish = environment[PROGRAM_VARIABLE]
  return wish === undefined || wish === ''
    ? `QEMU is not installed. ${INSTALL}`
    : `${PROGRAM_VARIABLE} names ${wish}, and there is no such program.`
}

/** The full path of the QEMU to use; undefined where there is none. */
export function findProgram(environment: Environment): string | undefined {
  const wish = environment[PROGRAM_VARIABLE]
  const names = wish === undefined || wish === '' ? PROGRAMS : [wish]
  const folders = (environment.PATH ?? '').split(delimiter).filter((folder) => isAbsolute(folder))
  for (const name of names) {
    const candidates = isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))
    const found = candidates.find(isProgram)
    if (found !== undefined) return found
  }
  return undefined
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** "QEMU emulator version 7.2.22 (Debian ...)" -> "7.2.22". */
export function versionIn(text: string): string | undefined {
  return /^QEMU emulator version (\d+\.\d+(?:\.\d+)?)/m.exec(text)?.[1]
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
}

/** Which of our adapter models the text of `-device help` lists. */
export function modelsIn(deviceHelp: string): AdapterModel[] {
  const devices = new Set([...deviceHelp.matchAll(/^name "([^"]+)"/gm)].map((match) => match[1]))
  return (Object.keys(DEVICE_OF_MODEL) as AdapterModel[]).filter((model) =>
    devices.has(DEVICE_OF_MODEL[model]),
  )
}

function ask(program: string, args: readonly string[]): Promise<{ done: boolean; text: string }> {
  return new Promise((resolve) => {
    execFile(
      program,
      args,
      { timeout: 10_000, killSignal: 'SIGKILL', maxBuffer: 4 * 1024 * 1024, env: { PATH: process.env.PATH } },
      (error, stdout, stderr) => resolve({ done: error === null, text: stdout === '' ? stderr : stdout }),
    )
  })
}
