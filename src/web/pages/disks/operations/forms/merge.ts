import type { DiskReport } from '../../../../../disk/index.ts'
import { baseName } from '../../../../parts/format.ts'
import { textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'

export function mergeForm({ path, chain }: DiskReport): FormOperation {
  const parents = chain.flatMap((link) => (link.path === undefined ? [] : [link.path]))
  return {
    operation: 'merge',
    verb: 'Merge',
    danger: true,
    explanation:
      'Writes what this disk stores into a disk below it. That disk is changed; other disks that were made on it lose their content.',
    fields: [
      {
        kind: 'choice',
        name: 'into',
        label: 'Into',
        choices: parents.map((parent) => ({ value: parent, label: baseName(parent) })),
      },
      {
        kind: 'switch',
        name: 'deleteChild',
        label: 'Delete what is merged',
        description: 'This disk, and those between, once all of it is in the disk below.',
      },
    ],
    initial: { into: parents[0] ?? '', deleteChild: true },
    specOf: (values) => ({
      child: path,
      into: textOf(values, 'into'),
      deleteChild: values.deleteChild === true,
    }),
    resultPath: (values) => textOf(values, 'into'),
  }
}
