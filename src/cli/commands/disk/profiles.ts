import type { Command } from 'commander'
import { formatSize } from '../../../base/index.ts'
import { diskProfiles } from '../../../disk/index.ts'
import { defineVerb, printJson } from '../../command.ts'
import { renderTable } from '../../render/table.ts'

export function profiles(disk: Command): void {
  defineVerb(disk, 'profiles', 'what each product takes as a disk').action(({ json }: { json?: boolean }) => {
    if (json) {
      printJson({ profiles: diskProfiles })
      return
    }
    const rows = diskProfiles.map(({ name, label, formats, maxBytes, why }) => [
      name,
      label,
      formats.map(({ format, subformat }) => `${subformat} ${format}`).join(', '),
      formatSize(maxBytes),
      why,
    ])
    console.log(renderTable(['NAME', 'PRODUCT', 'MAKES', 'UP TO', 'WHY'], rows))
  })
}
