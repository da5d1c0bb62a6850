import type { DiskReport } from '../../../../../disk/index.ts'
import type { FormOperation } from '../operation-form.tsx'

export function splitForm({ path }: DiskReport): FormOperation {
  return {
    operation: 'split',
    verb: 'Detach',
    explanation:
      'Makes the disk independent: what it needs of the disks below it is copied into it. Those stay as they are, and disks that were made on this one still find it.',
    fields: [
      {
        kind: 'switch',
        name: 'unprotect',
        label: 'Let the disk below be written to again',
        description: 'Where a linked clone protected it, and no other disk lies on it.',
      },
    ],
    initial: { unprotect: false },
    specOf: (values) => ({ path, unprotect: values.unprotect === true }),
    resultPath: () => path,
  }
}
