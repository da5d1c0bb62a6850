import { spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Accelerator } from '../../engine.ts'
import { SANDBOX } from './argv.ts'
import { KVM_GUEST_EXIT_PORT, KVM_GUEST_EXIT_STATUS, kvmGuest } from './kvm-guest.ts'

/** A working KVM ends the guest in a tenth of a second; a host under load gets thirty times that. */
const PROBE_LIMIT_MS = 3000
/** How long a killed QEMU may take to go; it can hang inside the kernel, and nobody waits for that. */
const KILL_LIMIT_MS = 500

const DEVICE = '/dev/kvm'
/** What `timeout` answers after it had to kill: 128 + SIGKILL. */
const TIMED_OUT = 137

/**
 * Says whether KVM runs a guest here, by running one. The device node proves nothing: it may be there and the
 * guest fail or hang. Always answers, within about four seconds.
 */
export async function proveKvm(program: string, limitMs = PROBE_LIMIT_MS): Promise<Accelerator> {
  if (!existsSync(DEVICE)) return unusable(`This computer has no ${DEVICE}.`)
  try {
    accessSync(DEVICE, constants.R_OK | constants.W_OK)
  } catch {
    return unusable(`This user may not use ${DEVICE}; in most systems the group kvm may.`)
  }
  const folder = mkdtempSync(join(tmpdir(), 'vivarium-kvm-'))
  try {
    const image = join(folder, 'guest.img')
    writeFileSync(image, kvmGuest())
    return verdict(await runGuest(program, probeArguments(image), limitMs), limitMs)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function probeArguments(image: string): string[] {
  const file = image.replaceAll(',', ',,')
  return [
    ...['-M', 'pc,accel=kvm', '-cpu', 'qemu32', '-m', '16', '-nodefaults', '-no-user-config'],
    ...['-display', 'none', '-no-reboot', '-sandbox', SANDBOX],
    ...['-device', `isa-debug-exit,iobase=${KVM_GUEST_EXIT_PORT},iosize=1`],
    ...[
      '-blockdev',
      `driver=raw,node-name=guest,read-only=on,file.driver=file,file.filename=${file},file.read-only=on`,
    ],
    ...['-device', 'floppy,drive=guest'],
  ]
}

interface Outcome {
  /** Absent: the time was up, or QEMU was killed. */
  readonly status: number | undefined
  readonly milliseconds: number
  readonly words: string
}

function runGuest(program: string, args: readonly string[], limitMs: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const started = performance.now()
    // `timeout` (coreutils) keeps the limit even when this process is killed meanwhile: a guest that hangs under
    // KVM would otherwise burn a processor for ever.
    const limit = String(limitMs / 1000)
    const child = spawn('timeout', ['--signal=KILL', limit, program, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let words = ''
    const finish = (status: number | undefined) => {
      clearTimeout(giveUp)
      child.stderr.destroy()
      child.unref()
      resolve({ status, milliseconds: performance.now() - started, words })
    }
    const giveUp = setTimeout(() => finish(undefined), limitMs + KILL_LIMIT_MS)
    child.stderr.on('data', (piece: Buffer) => {
      words = `${words}${piece.toString('utf8')}`.slice(-2000)
    })
    child.once('error', (error) => {
      words = error.message
      finish(undefined)
    })
    child.once('exit', (status) => finish(status === null || status === TIMED_OUT ? undefined : status))
  })
}

function verdict(outcome: Outcome, limitMs: number): Accelerator {
  if (outcome.status === KVM_GUEST_EXIT_STATUS) {
    const seconds = (outcome.milliseconds / 1000).toFixed(2)
    return { name: 'kvm', usable: true, reason: `A test guest ran under KVM in ${seconds} seconds.` }
  }
  if (outcome.status === undefined && outcome.milliseconds >= limitMs) {
    return unusable(`A test guest did not finish under KVM within ${limitMs / 1000} seconds.`)
  }
  const words = outcome.words.trim().split('\n').at(-1) ?? ''
  return unusable(`A test guest failed under KVM${words === '' ? '.' : `: ${words}`}`)
}

function unusable(reason: string): Accelerator {
  return { name: 'kvm', usable: false, reason }
}
