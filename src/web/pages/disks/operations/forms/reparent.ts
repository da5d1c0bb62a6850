import type { DiskReport } from '../../../../../disk/index.ts'
import { textOf } from '../fields.ts'
import type { FormOperation } from '../operation-form.tsx'

export function reparentForm({ path }: DiskReport): FormOperation {
  return {
    operation: 'reparent',
    verb: (values) => (values.dryRun === true ? 'Show the plan' : 'Find parent'),
    explanation:
      'Finds the parent of this disk, and those below it, by their ids, and records where they are now. Only the names in the file are changed.',
    fields: [
      {
        kind: 'path',
        name: 'search',
        label: 'Look in this folder too',
        description: 'With all that is below it. The folder of the disk is looked through anyway.',
        wanted: 'folder',
        optional: true,
      },
      {
        kind: 'path',
        name: 'parent',
        label: 'Or this is the parent',
        wanted: ['disk'],
        optional: true,
      },
      { kind: 'switch', name: 'dryRun', label: 'Only tell what would be done' },
    ],
    initial: { search: '', parent: '', dryRun: false },
    specOf: (values) => {
      const [search, parent] = [textOf(values, 'search'), textOf(values, 'parent')]
      return {
        child: path,
        dryRun: values.dryRun === true,
        ...(search !== '' && { search: [search] }),
        ...(parent !== '' && { parent }),
      }
    },
  }
}
