import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { GiB, MiB } from '../../base/index.ts'
import { createDiskFile, openDiskFile } from '../../system/index.ts'
import { fill, hasContent, type Kind, make, plain, shows, UNIT } from './pattern.ts'
import type { Scene } from './stage.ts'

export function changing(
  operation: string,
  kind: Kind,
  rest: (sizeBytes: number) => object,
  grows = false,
): Scene {
  const name = `disk.${kind.format}`
  return {
    title: `${operation} of a ${kind.subformat} ${kind.format}`,
    operation,
    prepare(folder, sizeBytes) {
      make(join(folder, name), kind, sizeBytes)
      if (operation === 'compact' && kind.subformat !== 'fixed') {
        // Blocks that were written and are zero by now.
        const disk = openDiskFile(join(folder, name), { writable: true })
        disk.write(0, new Uint8Array(sizeBytes).fill(1))
        disk.write(0, new Uint8Array(sizeBytes))
        disk.close()
        fill(join(folder, name), sizeBytes / 2, 0)
      }
      return { path: join(folder, name), ...rest(sizeBytes) }
    },
    check(folder, sizeBytes) {
      const half = operation === 'compact' && kind.subformat !== 'fixed'
      shows(join(folder, name), sizeBytes, (unit) => (half && unit >= sizeBytes / 2 / UNIT ? 0 : plain(unit)))
    },
    checkDone(folder, sizeBytes) {
      if (!grows) return
      const disk = openDiskFile(join(folder, name))
      disk.close()
      assert.equal(disk.sizeBytes, 2 * sizeBytes)
    },
    done: kind.subformat === 'monolithicFlat' ? ['disk-flat.vmdk', name] : [name],
  }
}

const SPLIT = { format: 'vmdk', subformat: 'twoGbMaxExtentSparse' }
/** Where its second file begins. */
const BORDER = 2047 * MiB

/** Zeroes in both files, so that both are written anew. */
export const compactingSplit: Scene = {
  title: 'compact of a split vmdk',
  operation: 'compact',
  prepare(folder, sizeBytes) {
    const path = join(folder, 'disk.vmdk')
    createDiskFile(path, { ...SPLIT, sizeBytes: BORDER + sizeBytes })
    for (const start of [0, BORDER]) {
      const disk = openDiskFile(path, { writable: true })
      disk.write(start, new Uint8Array(sizeBytes).fill(1))
      disk.write(start, new Uint8Array(sizeBytes))
      disk.close()
      fill(path, sizeBytes / 2, 0, hasContent, start)
    }
    return { path }
  },
  check(folder, sizeBytes) {
    shows(join(folder, 'disk.vmdk'), sizeBytes / 2, plain, [0, BORDER])
  },
  checkDone(folder, sizeBytes) {
    for (const name of ['disk-s001.vmdk', 'disk-s002.vmdk'])
      assert.ok(statSync(join(folder, name)).size < sizeBytes, `${name} is smaller`)
  },
  done: ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk.vmdk'],
}

/** The one file that is there grows, and two more are made. */
export const expandingSplit: Scene = {
  title: 'expand of a split vmdk',
  operation: 'expand',
  prepare(folder, sizeBytes) {
    make(join(folder, 'disk.vmdk'), SPLIT, sizeBytes)
    return { path: join(folder, 'disk.vmdk'), sizeBytes: 5 * GiB }
  },
  check: (folder, sizeBytes) => shows(join(folder, 'disk.vmdk'), sizeBytes, plain),
  checkDone(folder) {
    const disk = openDiskFile(join(folder, 'disk.vmdk'))
    disk.close()
    assert.equal(disk.sizeBytes, 5 * GiB)
  },
  done: ['disk-s001.vmdk', 'disk-s002.vmdk', 'disk-s003.vmdk', 'disk.vmdk'],
}
