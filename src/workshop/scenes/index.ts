import { merging, reparenting, splitting } from './chains.ts'
import { changing, compactingSplit, expandingSplit } from './changed-disks.ts'
import { creating, making } from './new-disks.ts'
import { QCOW2, VHD, VHDX } from './pattern.ts'
import { repairing } from './repairs.ts'
import type { Scene } from './stage.ts'
import { committing } from './undo.ts'

export * from './stage.ts'

const twice = (sizeBytes: number) => ({ sizeBytes: 2 * sizeBytes })

export const scenes: readonly Scene[] = [
  creating,
  making('convert', 'target.qcow2', ['target.qcow2'], {}),
  making('convert', 'split.vmdk', ['split-s001.vmdk', 'split.vmdk'], { subformat: 'twoGbMaxExtentSparse' }),
  making('convert', 'verified.vhdx', ['verified.vhdx'], { verify: true }),
  making('clone', 'full.vhd', ['full.vhd'], { full: true }),
  making('clone', 'linked.vhd', ['linked.vhd'], {}),
  changing('compact', VHD, () => ({})),
  changing('compact', VHDX, () => ({})),
  changing('compact', QCOW2, () => ({})),
  changing('compact', { format: 'vhd', subformat: 'fixed' }, () => ({})),
  compactingSplit,
  changing('expand', VHD, twice, true),
  changing('expand', VHDX, twice, true),
  changing('expand', QCOW2, twice, true),
  changing('expand', { format: 'vdi', subformat: 'dynamic' }, twice, true),
  changing('expand', { format: 'vmdk', subformat: 'monolithicSparse' }, twice, true),
  changing('expand', { format: 'vmdk', subformat: 'monolithicFlat' }, twice, true),
  expandingSplit,
  merging(VHD),
  merging(VHDX),
  merging(QCOW2),
  splitting,
  reparenting,
  repairing(VHD),
  repairing(VHDX),
  repairing(QCOW2),
  repairing({ format: 'vdi', subformat: 'dynamic' }),
  committing,
]
