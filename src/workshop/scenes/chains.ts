import assert from 'node:assert/strict'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { factsOfFile, openDiskFile, readMergeMarker } from '../../system/index.ts'
import { type Kind, make, makeChild, merged, plain, shows, VHD } from './pattern.ts'
import { isMark, type Scene } from './stage.ts'

/** `base` with a disk on it, `child`. */
function makePair(folder: string, kind: Kind, sizeBytes: number): void {
  const [base, child] = ['base', 'child'].map((name) => join(folder, `${name}.${kind.format}`)) as [
    string,
    string,
  ]
  make(base, kind, sizeBytes)
  makeChild(child, base, kind, sizeBytes)
}

export function merging(kind: Kind): Scene {
  const [base, child] = [`base.${kind.format}`, `child.${kind.format}`]
  return {
    title: `merge of a ${kind.format}`,
    operation: 'merge',
    prepare(folder, sizeBytes) {
      makePair(folder, kind, sizeBytes)
      return { child: join(folder, child), deleteChild: true }
    },
    check(folder, sizeBytes) {
      shows(join(folder, existsSync(join(folder, child)) ? child : base), sizeBytes, merged)
      if (readMergeMarker(join(folder, base))?.state === 'merging')
        assert.throws(() => openDiskFile(join(folder, base), { writable: true }), { code: 'merge-not-ended' })
    },
    checkDone: (folder, sizeBytes) => shows(join(folder, base), sizeBytes, merged),
    done: [base],
    stays: (names) => names.some(isMark),
  }
}

export const splitting: Scene = {
  title: 'split of a vhd',
  operation: 'split',
  prepare(folder, sizeBytes) {
    makePair(folder, VHD, sizeBytes)
    return { path: join(folder, 'child.vhd') }
  },
  check(folder, sizeBytes) {
    shows(join(folder, 'base.vhd'), sizeBytes, plain)
    shows(join(folder, 'child.vhd'), sizeBytes, merged)
  },
  checkDone(folder) {
    assert.equal(factsOfFile(join(folder, 'child.vhd')).parent, undefined)
  },
  done: ['base.vhd', 'child.vhd'],
}

export const reparenting: Scene = {
  title: 'reparent of a vhd',
  operation: 'reparent',
  prepare(folder, sizeBytes) {
    makePair(folder, VHD, sizeBytes)
    mkdirSync(join(folder, 'moved'))
    renameSync(join(folder, 'base.vhd'), join(folder, 'moved/other name.vhd'))
    return { child: join(folder, 'child.vhd'), search: [join(folder, 'moved')] }
  },
  check: (folder, sizeBytes) => shows(join(folder, 'moved/other name.vhd'), sizeBytes, plain),
  checkDone: (folder, sizeBytes) => shows(join(folder, 'child.vhd'), sizeBytes, merged),
  done: ['child.vhd', 'child.vhd.repair-backup.json', 'moved'],
}

/** The same damage for all: what a cut copy lost, or what the format can work out again. */
