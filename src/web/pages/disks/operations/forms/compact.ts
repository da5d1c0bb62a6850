import type { DiskReport } from '../../../../../disk/index.ts'
import type { FormOperation } from '../operation-form.tsx'

export function compactForm({ path }: DiskReport): FormOperation {
  return {
    operation: 'compact',
    verb: (values) => (values.dryRun === true ? 'Show what would be saved' : 'Compact'),
    explanation:
      'Gives back what the disk stores and does not need: zeroes, and what FAT, NTFS and ext file systems do not use. A new file takes the place of the old one when all of it is there.',
    fields: [
      {
        kind: 'switch',
        name: 'zeroesOnly',
        label: 'Zeroes only',
        description: 'Keeps the remains of deleted files.',
      },
      { kind: 'switch', name: 'dryRun', label: 'Only tell what would be saved' },
    ],
    initial: { zeroesOnly: false, dryRun: false },
    specOf: (values) => ({
      path,
      zeroesOnly: values.zeroesOnly === true,
      dryRun: values.dryRun === true,
    }),
  }
}
