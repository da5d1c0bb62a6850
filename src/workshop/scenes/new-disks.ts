import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { make, plain, shows, VHD } from './pattern.ts'
import type { Scene } from './stage.ts'

export function making(operation: string, target: string, files: readonly string[], rest: object): Scene {
  return {
    title: `${operation} to ${target}`,
    operation,
    prepare(folder, sizeBytes) {
      make(join(folder, 'source.vhd'), VHD, sizeBytes)
      const from = operation === 'clone' ? 'base' : 'source'
      return { [from]: join(folder, 'source.vhd'), target: join(folder, target), ...rest }
    },
    check(folder, sizeBytes) {
      shows(join(folder, 'source.vhd'), sizeBytes, plain)
      if (existsSync(join(folder, target))) shows(join(folder, target), sizeBytes, plain)
    },
    checkDone: (folder, sizeBytes) => shows(join(folder, target), sizeBytes, plain),
    done: ['source.vhd', ...files],
  }
}

/** A disk that is changed, and always shows the same. */

export const creating: Scene = {
  title: 'create of a fixed vhd',
  operation: 'create',
  prepare: (folder, sizeBytes) => ({
    path: join(folder, 'new.vhd'),
    format: 'vhd',
    subformat: 'fixed',
    sizeBytes,
  }),
  check(folder, sizeBytes) {
    if (existsSync(join(folder, 'new.vhd'))) shows(join(folder, 'new.vhd'), sizeBytes, () => 0)
  },
  checkDone: (folder, sizeBytes) => shows(join(folder, 'new.vhd'), sizeBytes, () => 0),
  done: ['new.vhd'],
}
