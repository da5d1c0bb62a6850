import { Group, Modal } from '@mantine/core'
import { useState } from 'react'
import type { DiskReport } from '../../../../disk/index.ts'
import { baseName } from '../../../parts/format.ts'
import { Panel } from '../../../parts/panel.tsx'
import { ReasonButton } from '../../../parts/reason-button.tsx'
import { DISK_ACTIONS, type DiskAction } from './disk-actions.ts'
import { DownloadButton } from './download-button.tsx'
import { OperationForm } from './operation-form.tsx'

/** Everything that can be done with the disk that is shown; a button that makes no sense now says why. */
export function DiskActionsBar({ report }: { readonly report: DiskReport }) {
  const [open, setOpen] = useState<{ readonly action: DiskAction; readonly report: DiskReport }>()
  const close = () => setOpen(undefined)
  return (
    <Panel title="Actions">
      <Group gap="xs">
        {DISK_ACTIONS.map((action) => (
          <ReasonButton
            key={action.name}
            variant="default"
            size="sm"
            reason={action.whyNot(report)}
            onClick={() => setOpen({ action, report })}
          >
            {action.label}
          </ReasonButton>
        ))}
        <DownloadButton report={report} />
      </Group>
      {open !== undefined && (
        <Modal opened onClose={close} size="lg" title={`${open.action.label}: ${baseName(open.report.path)}`}>
          <OperationForm form={open.action.form(open.report)} onClose={close} />
        </Modal>
      )}
    </Panel>
  )
}
