import { Alert, Anchor } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from 'react-router'
import type { Inspection } from '../../../api/index.ts'
import { call } from '../../client.ts'
import { AddFile } from '../../parts/add-file.tsx'
import { baseName } from '../../parts/format.ts'
import { reportDone } from '../../parts/toast.tsx'
import { inspectAddress } from '../../reports/inspect-address.ts'
import { InspectionView } from '../../reports/inspection.tsx'

export function AddMachine() {
  return (
    <AddFile
      title="Add an existing machine"
      lead="A machine of Virtual PC or Virtual Server stays where it lies. It starts with undo disks, so that looking at it changes nothing."
      what="machine"
      field={{
        label: "Full path of the machine's file",
        description: 'The .vmc file, on the computer Vivarium runs on.',
        wanted: ['machine'],
        placeholder: '/srv/machines/Windows XP/Windows XP.vmc',
      }}
      add={useAdd()}
    >
      {(inspection, path) => <Chosen inspection={inspection} path={path} />}
    </AddFile>
  )
}

function useAdd() {
  const cache = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    meta: { quiet: true },
    mutationFn: (path: string) => call('addMachine', { path }),
    onSuccess: (machine) => {
      void cache.invalidateQueries({ queryKey: ['machines'] })
      reportDone(`${machine.name} was added.`)
      navigate(`/machines/${machine.id}`)
    },
  })
}

function Chosen({ inspection, path }: { readonly inspection: Inspection; readonly path: string }) {
  if (inspection.kind === 'machine') return <InspectionView inspection={inspection} />
  return (
    <Alert color="amber" icon={<IconInfoCircle />} title={`${baseName(path)} is not a machine`}>
      {inspection.kind === 'disk' ? (
        <>
          It is a virtual disk. You can{' '}
          <Anchor component={Link} to={inspectAddress(path)} size="sm">
            inspect it
          </Anchor>{' '}
          or{' '}
          <Anchor component={Link} to={`/machines/create?disk=${encodeURIComponent(path)}`} size="sm">
            create a machine with it
          </Anchor>
          .
        </>
      ) : (
        <>
          It describes virtual networks.{' '}
          <Anchor component={Link} to={inspectAddress(path)} size="sm">
            Inspect it
          </Anchor>{' '}
          to see them.
        </>
      )}
    </Alert>
  )
}
