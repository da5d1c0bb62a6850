import { isAbsolute } from 'node:path'
import { VivariumError } from '../../../base/index.ts'
import { demandRegularFile } from '../../../system/index.ts'
import type { RunSpec } from '../../engine.ts'
import { driveId, firstMedium } from './argv.ts'
import { ignoreRefusal } from './qmp.ts'

type Execute = (command: string, args: Readonly<Record<string, unknown>>) => Promise<unknown>

/**
 * Puts another ISO image in a CD drive, or none. By force, as a paper clip would: the guest may have locked the
 * tray, and Virtual PC did not ask it either.
 * @throws VivariumError kind `not-found` where the machine has no such drive or the image is not there,
 * `unsupported` where it is no regular file, or QEMU refuses it.
 */
export async function changeMedium(
  execute: Execute,
  spec: RunSpec,
  { channel, unit, image }: { channel: number; unit: number; image: string | undefined },
): Promise<void> {
  checkDrive(spec, channel, unit)
  if (image !== undefined) checkImage(image)
  const id = driveId(channel, unit)
  // Each in one step of QEMU's main loop: a reset of the guest in between would close the tray.
  if (image === undefined) {
    await execute('eject', { id, force: true })
    await execute('blockdev-close-tray', { id })
  } else {
    const raw = { format: 'raw', 'read-only-mode': 'read-only' }
    const change = { id, filename: image, ...raw, force: true }
    await execute('blockdev-change-medium', change).catch((error: unknown) => {
      throw imageRefused(image, error)
    })
  }
  // The image from the command line is a node of its own and stays open otherwise; the others go by themselves.
  await execute('blockdev-del', { 'node-name': firstMedium(id) }).catch(ignoreRefusal)
}

/** QEMU would wait for ever at the other end of a pipe, and the guest with it. */
function checkImage(image: string): void {
  if (!isAbsolute(image)) {
    throw new VivariumError('invalid', 'qemu-path', 'The path is not absolute.', {
      where: { path: image },
      next: 'Name the image by its whole path.',
    })
  }
  demandRegularFile(image)
}

function imageRefused(image: string, error: unknown): unknown {
  if (!(error instanceof VivariumError) || error.code !== 'qmp-refused') return error
  return new VivariumError('unsupported', 'cd-refused', error.message, {
    where: { path: image },
    next: 'Check that it is an ISO image that this user may read.',
    cause: error,
  })
}

function checkDrive(spec: RunSpec, channel: number, unit: number): void {
  const fits = spec.drives.some(
    (drive) => drive.kind === 'cd' && drive.channel === channel && drive.unit === unit,
  )
  if (fits) return
  throw new VivariumError('not-found', 'no-cd-drive', `There is no CD drive at IDE ${channel}:${unit}.`, {
    next: 'Name a drive that the machine has.',
  })
}
