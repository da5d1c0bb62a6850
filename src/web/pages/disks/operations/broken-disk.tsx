import { Button, Modal, Stack } from '@mantine/core'
import { useState } from 'react'
import { VivariumError } from '../../../../base/index.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { baseName } from '../../../parts/format.ts'
import { repairForm } from './forms/repair.ts'
import { OperationForm } from './operation-form.tsx'

interface BrokenDiskProps {
  readonly path: string
  /** Null while it can be opened, or nobody knows yet: a repair's dialog outlives the looking again that follows it. */
  readonly error: Error | null
}

/** A file that cannot be opened. Where it may be a damaged disk, the doctor can be asked: he looks closer. */
export function BrokenDisk({ path, error }: BrokenDiskProps) {
  const [open, setOpen] = useState(false)
  const close = () => setOpen(false)
  const maybeDamaged = error instanceof VivariumError && ['malformed', 'corrupt'].includes(error.kind)
  return (
    <>
      {error !== null && (
        <Stack gap="md" align="flex-start">
          <ErrorCard title={`${baseName(path)} cannot be inspected`} error={error} />
          {maybeDamaged && (
            <Button variant="default" size="sm" onClick={() => setOpen(true)}>
              Repair
            </Button>
          )}
        </Stack>
      )}
      <Modal opened={open} onClose={close} size="lg" title={`Repair: ${baseName(path)}`}>
        <OperationForm form={repairForm({ path, unopened: true })} onClose={close} />
      </Modal>
    </>
  )
}
