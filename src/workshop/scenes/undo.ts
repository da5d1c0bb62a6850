import assert from 'node:assert/strict'
import { join } from 'node:path'
import { createVmc } from '../../machine/index.ts'
import { writeMachineFile } from '../../system/index.ts'
import { createUndoDisks } from '../undo/create.ts'
import { undoStatus } from '../undo/status.ts'
import { fill, isChilds, make, merged, shows, VHD } from './pattern.ts'
import { isMark, type Scene } from './stage.ts'

export const committing: Scene = {
  title: 'commit of undo disks',
  operation: 'undo-commit',
  async prepare(folder, sizeBytes) {
    await makeMachine(folder, sizeBytes)
    return { machine: join(folder, 'Old XP.vmc') }
  },
  check(folder, sizeBytes) {
    for (const { base, undo } of undoStatus(join(folder, 'Old XP.vmc'), [folder]).drives)
      shows(undo ?? base, sizeBytes, merged)
  },
  checkDone(folder, sizeBytes) {
    for (const { base, recordedAs } of undoStatus(join(folder, 'Old XP.vmc'), [folder]).drives) {
      assert.equal(recordedAs, undefined)
      shows(base, sizeBytes, merged)
    }
  },
  done: ['Old XP.vmc', 'c.vhd', 'd.vhd'],
  // One disk after the other: the first may be done.
  stays: (names) => names.some(isMark) || names.filter((name) => name.endsWith('.vud')).length === 1,
}

async function makeMachine(folder: string, sizeBytes: number): Promise<void> {
  const drives = ['c', 'd'].map((name, unit) => {
    make(join(folder, `${name}.vhd`), VHD, sizeBytes)
    const image = { relative: `.\\${name}.vhd` }
    return { channel: 0, unit, kind: 'disk' as const, image }
  })
  const vmc = join(folder, 'Old XP.vmc')
  writeMachineFile(vmc, createVmc({ name: 'Old XP', memoryMB: 64, drives }))
  const { created } = await createUndoDisks(vmc, [folder], new Date('2007-03-04T05:06:07Z'))
  for (const { undo } of created) fill(undo, sizeBytes, 1, isChilds)
}
