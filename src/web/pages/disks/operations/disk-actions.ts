import type { DiskReport } from '../../../../disk/index.ts'
import { cloneForm } from './forms/clone.ts'
import { compactForm } from './forms/compact.ts'
import { convertForm } from './forms/convert.ts'
import { expandForm } from './forms/expand.ts'
import { mergeForm } from './forms/merge.ts'
import { repairForm, takeBackForm } from './forms/repair.ts'
import { reparentForm } from './forms/reparent.ts'
import { splitForm } from './forms/split.ts'
import type { FormOperation } from './operation-form.tsx'

/** What can be done with the disk that is on the page. */
export interface DiskAction {
  readonly name: string
  /** On its button. */
  readonly label: string
  /** Why it makes no sense with this disk; absent = it does. */
  readonly whyNot: (report: DiskReport) => string | undefined
  readonly form: (report: DiskReport) => FormOperation
}

export const DISK_ACTIONS: readonly DiskAction[] = [
  { name: 'convert', label: 'Convert', whyNot: unreadable, form: convertForm },
  { name: 'compact', label: 'Compact', whyNot: unreadable, form: compactForm },
  { name: 'expand', label: 'Expand', whyNot: hasParent, form: expandForm },
  { name: 'clone', label: 'Clone', whyNot: unreadable, form: cloneForm },
  { name: 'merge', label: 'Merge', whyNot: noWholeChain, form: mergeForm },
  { name: 'split', label: 'Detach', whyNot: noWholeChain, form: splitForm },
  { name: 'reparent', label: 'Find parent', whyNot: noParent, form: reparentForm },
  { name: 'repair', label: 'Repair', whyNot: nothingToRepair, form: repairForm },
  { name: 'takeBack', label: 'Take back repair', whyNot: noBackup, form: takeBackForm },
]

function unreadable(report: DiskReport): string | undefined {
  const broken = report.chain.find(({ state }) => state !== 'found' && state !== 'time-mismatch')
  return broken === undefined ? undefined : 'A parent of the disk is missing or is not its parent.'
}

function noParent({ subformat, parent }: DiskReport): string | undefined {
  return parent === undefined ? `A ${subformat} disk has no parent.` : undefined
}

function hasParent({ parent }: DiskReport): string | undefined {
  return parent === undefined ? undefined : 'A differencing disk is as large as its parent: detach it first.'
}

function noWholeChain(report: DiskReport): string | undefined {
  return noParent(report) ?? unreadable(report)
}

function noBackup({ repairBackups = [] }: DiskReport): string | undefined {
  return repairBackups.length > 0 ? undefined : 'No backup of a repair lies beside it.'
}

function nothingToRepair({ problems }: DiskReport): string | undefined {
  return problems.some(({ severity }) => severity !== 'note') ? undefined : 'Nothing is wrong with it.'
}
