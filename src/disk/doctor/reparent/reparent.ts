import type { ByteStore } from '../../../base/index.ts'
import { acceptsParent } from '../../chain.ts'
import { readImage } from '../../open.ts'
import { Surgery } from '../surgery.ts'
import { cannotRecord, type ParentRecord, type RenameParent } from './parent-record.ts'
import { renameQcow2Parent } from './qcow2.ts'
import { renameVdiParent } from './vdi.ts'
import { renameVhdParent } from './vhd.ts'
import { renameVhdxParent } from './vhdx.ts'
import { renameVmdkParent } from './vmdk.ts'

const RENAMERS: Readonly<Record<string, RenameParent>> = {
  vhd: renameVhdParent,
  vhdx: renameVhdxParent,
  qcow2: renameQcow2Parent,
  vmdk: renameVmdkParent,
  vdi: renameVdiParent,
}

/**
 * Plans that a differencing disk names this parent, whatever it named before: its id too. The plan is proven by the
 * format's own reader. @throws VivariumError kind `unsupported` where the format cannot record it.
 */
export function planReparent(child: ByteStore, format: string, parent: ParentRecord): Surgery {
  const surgery = new Surgery(child)
  const rename = RENAMERS[format]
  if (rename === undefined)
    throw cannotRecord(child.name, `A disk of the format "${format}" records no parent.`)
  rename(surgery, parent)
  const reference = readImage(surgery.store, { format }).facts.parent
  const sizeBytes = parent.sizeBytes
  if (
    reference === undefined ||
    !acceptsParent(reference, { ...(parent.id && { id: parent.id }), sizeBytes })
  )
    throw cannotRecord(child.name, 'The parent cannot be recorded in this disk.')
  return surgery
}
