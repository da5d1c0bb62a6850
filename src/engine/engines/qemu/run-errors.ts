import { type Problem, VivariumError } from '../../../base/index.ts'
import type { DiskFailure } from '../../disk-server/index.ts'
import { lastWords } from './log.ts'

/** QEMU went away, and nobody had told it to. `how` completes "QEMU ended"; its log gives the reason. */
export function qemuDied(how: string, logPath: string): VivariumError {
  const words = lastWords(logPath)
  return new VivariumError(
    'unavailable',
    'qemu-died',
    `QEMU ended ${how}${words === '' ? '.' : `: ${words}`}`,
    { where: { path: logPath }, next: 'Start the machine again; what its disks had acknowledged is there.' },
  )
}

export function qemuDidNotStart(how: string, logPath: string): VivariumError {
  const words = lastWords(logPath)
  return new VivariumError(
    'unavailable',
    'qemu-start-failed',
    `QEMU did not start: ${words === '' ? how : words}`,
    { where: { path: logPath }, next: 'The log has all of what QEMU said.' },
  )
}

/** A processor state that KVM or QEMU cannot carry on with; QEMU then stops the machine for good. */
export function cannotGoOn(accelerator: string, logPath: string): VivariumError {
  const words = lastWords(logPath)
  return new VivariumError(
    'unavailable',
    'qemu-internal-error',
    `QEMU (${accelerator}) cannot go on with this guest${words === '' ? '.' : `: ${words}`}`,
    {
      where: { path: logPath },
      next: accelerator === 'kvm' ? 'Choose the accelerator "tcg" for this machine.' : 'Try another engine.',
    },
  )
}

export function disksDied(logPath: string): VivariumError {
  return new VivariumError(
    'io',
    'disk-server-died',
    'The process that serves the disks of this machine ended.',
    { where: { path: logPath }, next: 'Its log says why; start the machine again.' },
  )
}

/** QEMU paused the machine because a disk refused a write for want of space. */
export function pausedByDisk(failure: DiskFailure | undefined, reason: string): Problem {
  return {
    code: 'paused-by-disk',
    severity: 'error',
    message: `The machine is paused, because its disk cannot be written: ${failure?.error.message ?? reason}`,
    next: 'Free some space on the host and resume the machine: the write is tried again.',
    ...(failure?.error.where !== undefined && { where: whereOf(failure) }),
  }
}

/** The guest was told that its disk failed. */
export function diskFailed(failure: DiskFailure): Problem {
  const { exportName, request, offset, length, error } = failure
  return {
    code: 'disk-request-failed',
    severity: 'error',
    message: `A ${request} of ${length} bytes at byte ${offset} of ${exportName} failed: ${error.message}`,
    ...(error.next !== undefined && { next: error.next }),
    ...(error.where !== undefined && { where: whereOf(failure) }),
  }
}

function whereOf({ error }: DiskFailure): Problem['where'] {
  return error.where
}
