import { bytesOf, textOf, type Values } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'
import { chosenKind, followFormat, INITIAL_KIND, kindFields } from './image-kinds.ts'

/** Virtual Disks > Create. */
export function createForm(libraryFolder: string): FormOperation {
  const isChild = (values: Values) => textOf(values, 'parent') !== ''
  return {
    operation: 'create',
    verb: 'Create',
    explanation: 'An empty disk, or one on top of another that stays as it is.',
    fields: [
      { kind: 'path', name: 'path', label: 'New file', wanted: ['disk', 'folder'] },
      {
        kind: 'path',
        name: 'parent',
        label: 'On top of (differencing disk)',
        description: 'Empty: a disk of its own.',
        wanted: ['disk'],
        optional: true,
      },
      ...kindFields(true, false).map((field) => ({
        ...field,
        when: (values: Values) => !isChild(values) && (field.when === undefined || field.when(values)),
      })),
      { kind: 'size', name: 'size', label: 'Size', when: (values) => !isChild(values) },
    ],
    initial: { ...INITIAL_KIND, path: `${libraryFolder}/New disk.vhd`, parent: '', size: '16 GiB' },
    follow: followFormat('path'),
    specOf: (values) =>
      isChild(values)
        ? { path: textOf(values, 'path'), parent: textOf(values, 'parent') }
        : {
            path: textOf(values, 'path'),
            sizeBytes: bytesOf(textOf(values, 'size')),
            ...chosenKind(values),
          },
    resultPath: (values) => textOf(values, 'path'),
  }
}
