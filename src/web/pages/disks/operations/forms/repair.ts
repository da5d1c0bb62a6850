import type { DiskReport } from '../../../../../disk/index.ts'
import { baseName } from '../../../../parts/format.ts'
import { textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'

export function repairForm({ path }: Pick<DiskReport, 'path'>): FormOperation {
  return {
    operation: 'repair',
    verb: (values) => (values.dryRun === true ? 'Show the plan' : 'Repair'),
    explanation:
      'Repairs what can be repaired. Every byte that is changed is saved first, beside the disk, so that the repair can be taken back.',
    fields: [{ kind: 'switch', name: 'dryRun', label: 'Only tell what would be done' }],
    initial: { dryRun: true },
    specOf: (values) => ({ path, dryRun: values.dryRun === true }),
  }
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
