import { isAbsolute } from 'node:path'
import { VivariumError } from '../../../base/index.ts'
import type { EngineFacts, RunSpec } from '../../engine.ts'
import { checkLimits } from '../../limits.ts'
import { runPaths } from './run-folder.ts'

/** unix(7): sun_path has 108 bytes, the last of them zero. */
const SOCKET_PATH_BYTES = 107
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i
const GUID = /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i

/**
 * Refuses what would become a broken command line. Pure.
 * @throws VivariumError kind `unsupported` above a limit of QEMU, `invalid` for a contradiction.
 */
export function checkSpec(spec: RunSpec, facts: EngineFacts): void {
  checkLimits(spec, facts, 'Change it in the settings of the machine.')
  checkPlaces(spec)
  checkPaths(spec)
  for (const { index, mac } of spec.adapters) {
    if (!MAC.test(mac)) throw invalid(`adapters[${index}].mac`, `"${mac}" is not a MAC address.`)
  }
  if (spec.biosGuid !== undefined && !GUID.test(spec.biosGuid)) {
    throw invalid('biosGuid', `"${spec.biosGuid}" is not a GUID.`)
  }
  if (spec.name.includes('\0')) throw invalid('name', 'The name has a zero character in it.')
}

function checkPlaces(spec: RunSpec): void {
  const places = [
    ...spec.drives.map(({ channel, unit }) => `the IDE drive ${channel}:${unit}`),
    ...spec.floppies.map(({ index }) => `the floppy drive ${index}`),
    ...spec.adapters.map(({ index }) => `the network adapter ${index}`),
  ]
  const twice = places.find((place, at) => places.indexOf(place) !== at)
  if (twice !== undefined) throw invalid('drives', `The machine has ${twice} twice.`)
  const wrong = spec.adapters.find(({ index }) => !Number.isInteger(index) || index < 0 || index > 3)
  if (wrong !== undefined) {
    throw invalid('adapters', `There is no place ${wrong.index} for a network adapter, only 0 to 3.`)
  }
  for (const { channel, unit, kind, disk } of spec.drives) {
    if (kind === 'disk' && (disk === undefined || disk.layers.length === 0)) {
      throw invalid('drives', `The hard disk ${channel}:${unit} has no image.`)
    }
  }
}

function checkPaths(spec: RunSpec): void {
  const images = [...spec.drives, ...spec.floppies].flatMap(({ image }) => image ?? [])
  const sockets = spec.adapters.flatMap(({ switchSocket }) => switchSocket ?? [])
  for (const path of [spec.runFolder, ...images, ...sockets]) {
    if (!isAbsolute(path) || path.includes('\0')) {
      throw new VivariumError('invalid', 'qemu-path', 'The path is not absolute.', { where: { path } })
    }
  }
  for (const path of [runPaths(spec.runFolder).console, runPaths(spec.runFolder).serial(0), ...sockets]) {
    const bytes = Buffer.byteLength(path)
    if (bytes <= SOCKET_PATH_BYTES) continue
    throw new VivariumError(
      'invalid',
      'socket-path-too-long',
      `The path of the socket has ${bytes} bytes; Unix allows ${SOCKET_PATH_BYTES}.`,
      { where: { path }, next: 'Choose a data folder with a shorter path.' },
    )
  }
}

function invalid(field: string, message: string): VivariumError {
  return new VivariumError('invalid', 'qemu-machine-invalid', message, { where: { field } })
}
