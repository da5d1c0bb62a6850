import { guidBytes, MODIFICATION_ID_AT, swapGuid } from '../../formats/vdi/header.ts'
import type { Surgery } from '../surgery.ts'
import { cannotRecord, type ParentRecord } from './parent-record.ts'

const PARENT_ID_AT = MODIFICATION_ID_AT + 16

/** A VDI records no name at all, only the parent's id: it is found beside its child, or in a folder that is named. */
export function renameVdiParent(surgery: Surgery, parent: ParentRecord): void {
  const { store } = surgery
  if (parent.id === undefined) throw cannotRecord(store.name, 'A VDI can have a VDI as its parent only.')
  surgery.write(PARENT_ID_AT, swapGuid(guidBytes(parent.id)), {
    what: `Write the parent's id ${parent.id}.`,
    why: 'The disk shall take this one as its parent.',
  })
}
