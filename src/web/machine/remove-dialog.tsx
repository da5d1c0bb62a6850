import { Checkbox, Text } from '@mantine/core'
import { useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import type { MachineSummary } from '../../api/index.ts'
import { Confirm } from '../parts/confirm.tsx'
import { folderOf } from '../parts/format.ts'
import { reportDone } from '../parts/toast.tsx'
import type { MachineActs } from './use-machine-act.ts'

interface RemoveProps {
  readonly machine: MachineSummary
  readonly acts: MachineActs
  readonly onClose: () => void
}

export function RemoveDialog({ machine, acts, onClose }: RemoveProps) {
  const [deleteFiles, setDeleteFiles] = useState(false)
  const navigate = useNavigate()
  const { pathname } = useLocation()
  const removed = () => {
    reportDone(`${machine.name} was removed.`)
    onClose()
    if (pathname.startsWith(`/machines/${machine.id}`)) navigate('/')
  }
  return (
    <Confirm
      title={`Remove ${machine.name}?`}
      verb="Remove"
      danger
      busy={acts.remove.isPending}
      onClose={onClose}
      onConfirm={() => acts.remove.mutate(deleteFiles, { onSuccess: removed })}
    >
      <Text size="sm">
        It leaves the list. {deleteFiles ? 'Its folder is deleted:' : 'Its files stay where they are:'}{' '}
        <span className="path">{deleteFiles ? folderOf(machine.path) : machine.path}</span>
      </Text>
      {machine.undo.pending && (
        <Text size="sm" mt="xs" c="red">
          The changes on its undo disks are lost.
        </Text>
      )}
      {machine.inLibrary && (
        <Checkbox
          mt="md"
          label="Also delete its files"
          description="The machine lies in the library. This cannot be taken back."
          checked={deleteFiles}
          onChange={(event) => setDeleteFiles(event.currentTarget.checked)}
        />
      )}
    </Confirm>
  )
}
