import type { DiskReport } from '../../../../../disk/index.ts'
import { textOf, type Values } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'
import { besides, chosenKind, extensionFor, followFormat, INITIAL_KIND, kindFields } from './image-kinds.ts'

export function convertForm({ path, format, chain }: DiskReport): FormOperation {
  const target = format === 'vhd' ? 'vhdx' : 'vhd'
  const initial: Values = {
    ...INITIAL_KIND,
    format: target,
    target: besides(path, ' converted', extensionFor(target)),
    verify: false,
  }
  return {
    operation: 'convert',
    verb: 'Convert',
    explanation:
      chain.length > 0
        ? 'Makes a disk of its own with the content of the whole chain. The files of the chain stay as they are.'
        : 'Makes a copy of the disk in another format or of another kind. The disk stays as it is.',
    fields: [
      ...kindFields(true, false),
      { kind: 'path', name: 'target', label: 'New file', wanted: ['disk', 'folder'] },
      {
        kind: 'switch',
        name: 'verify',
        label: 'Verify',
        description: 'Reads both again when it is done, and compares them.',
      },
    ],
    initial,
    follow: followFormat('target'),
    specOf: (values) => ({
      source: path,
      target: textOf(values, 'target'),
      verify: values.verify === true,
      ...chosenKind(values),
    }),
    resultPath: (values) => textOf(values, 'target'),
  }
}
