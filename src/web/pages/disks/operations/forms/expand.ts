import { formatSize } from '../../../../../base/index.ts'
import type { DiskReport } from '../../../../../disk/index.ts'
import { bytesOf, textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'

export function expandForm({ path, virtualSize }: DiskReport): FormOperation {
  return {
    operation: 'expand',
    verb: 'Expand',
    explanation: `The disk has ${formatSize(virtualSize)} now. The partition and its file system have to be enlarged in the guest afterwards.`,
    fields: [
      {
        kind: 'size',
        name: 'size',
        label: 'New size',
        description: 'For example 32 GiB. A disk cannot be made smaller.',
      },
    ],
    initial: { size: formatSize(virtualSize * 2) },
    specOf: (values) => ({ path, sizeBytes: bytesOf(textOf(values, 'size')) }),
  }
}
