import type { DiskReport } from '../../../../../disk/index.ts'
import { baseName } from '../../../../parts/format.ts'
import { type Field, textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'

/** What is repaired: a disk with a report, or a file that cannot be opened, of which only its name is known. */
interface Repaired extends Pick<DiskReport, 'path'> {
  readonly unopened?: boolean
}

export function repairForm({ path, unopened = false }: Repaired): FormOperation {
  // The content of a fixed VHD without its footer looks like anything; the ending is all that speaks for it.
  const maybeFixed = unopened && /\.(vhd|vud)$/i.test(path)
  return {
    operation: 'repair',
    verb: (values) => (values.dryRun === true ? 'Show the plan' : 'Repair'),
    explanation:
      'Repairs what can be repaired. Every byte that is changed is saved first, beside the disk, so that the repair can be taken back.',
    fields: [
      ...(maybeFixed ? [FIXED] : []),
      { kind: 'switch', name: 'dryRun', label: 'Only tell what would be done' },
    ],
    initial: { dryRun: true },
    specOf: (values) => ({
      path,
      dryRun: values.dryRun === true,
      ...(values.fixed === true && { fixed: true }),
    }),
  }
}

const FIXED: Field = {
  kind: 'switch',
  name: 'fixed',
  label: 'It is a fixed VHD that lost its footer',
  description:
    'Nothing in such a file shows what it is, so only you can say. It gets a new footer, and its size becomes the size of the disk.',
}

export function takeBackForm({
  path,
  repairBackups: backups = [],
}: Pick<DiskReport, 'path' | 'repairBackups'>): FormOperation {
  const newest = backups.at(-1) ?? ''
  return {
    operation: 'repair',
    verb: 'Take back',
    explanation:
      'Undoes a repair of this disk: the file is as it was before it. Several are taken back one by one, the newest first.',
    fields:
      backups.length > 1
        ? [
            {
              kind: 'choice',
              name: 'backup',
              label: 'Repair',
              choices: backups.toReversed().map((value) => ({ value, label: baseName(value) })),
            },
          ]
        : [],
    initial: { backup: newest },
    specOf: (values) => ({ path, takeBack: textOf(values, 'backup') || true }),
  }
}
