import type { DiskReport } from '../../../../../disk/index.ts'
import { textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'
import { besides, extensionFor } from './image-kinds.ts'

export function cloneForm({ path, format }: DiskReport): FormOperation {
  return {
    operation: 'clone',
    verb: 'Clone',
    explanation:
      'A linked clone stores what differs from this disk only, and needs it as it is now: this disk must not be written to any more. A full one is a disk of its own.',
    fields: [
      {
        kind: 'choice',
        name: 'kind',
        label: 'Kind',
        choices: [
          { value: 'linked', label: 'Linked: a differencing disk on this one' },
          { value: 'full', label: 'Full: a copy with an id of its own' },
        ],
      },
      { kind: 'path', name: 'target', label: 'New file', wanted: ['disk', 'folder'] },
      {
        kind: 'switch',
        name: 'protect',
        label: 'Protect this disk',
        description: 'Makes its file read-only, so that nothing writes to it by mistake.',
        when: (values) => textOf(values, 'kind') === 'linked',
      },
    ],
    initial: {
      kind: 'linked',
      target: besides(path, ' clone', extensionFor(format === 'raw' ? 'vhd' : format)),
      protect: true,
    },
    specOf: (values) => {
      const linked = textOf(values, 'kind') === 'linked'
      return {
        base: path,
        target: textOf(values, 'target'),
        full: !linked,
        protect: linked && values.protect === true,
      }
    },
    resultPath: (values) => textOf(values, 'target'),
  }
}
