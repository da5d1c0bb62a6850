import { Button, Menu } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import type { DiskReport } from '../../../../disk/index.ts'
import { downloadUrl } from '../../../client.ts'
import { baseName } from '../../../parts/format.ts'
import { besides, extensionFor, kindsOf, madeFormats } from './forms/image-kinds.ts'

/** The disk, with all its parents, as one file of any format: made while it is sent. */
export function DownloadButton({ report }: { readonly report: DiskReport }) {
  return (
    <Menu position="bottom-start" withinPortal>
      <Menu.Target>
        <Button variant="default" size="sm" leftSection={<IconDownload size={16} />}>
          Download
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {madeFormats.map((format) => {
          const kind = kindsOf(format.name, true)[0]
          const name = baseName(besides(report.path, '', extensionFor(format.name)))
          const address = downloadUrl(report.path, name, format.name, kind?.value)
          return (
            <Menu.Item key={format.name} component="a" href={address} download={name}>
              {format.label} ({extensionFor(format.name)})
            </Menu.Item>
          )
        })}
      </Menu.Dropdown>
    </Menu>
  )
}
