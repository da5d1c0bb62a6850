import { Button, Center, Loader, Paper, Stack } from '@mantine/core'
import { IconFileImport, IconZoomScan } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Link, useSearchParams } from 'react-router'
import { Empty } from '../../parts/empty.tsx'
import { Page } from '../../parts/page.tsx'
import { PathField } from '../../parts/path-field.tsx'
import { inspectionQuery } from '../../queries.ts'
import { InspectionView } from '../../reports/inspection.tsx'
import { BrokenDisk } from './operations/broken-disk.tsx'
import { DiskActionsBar } from './operations/disk-actions-bar.tsx'

/** Virtual Disks > Inspect. The path is in the address, so a report can be linked to. */
export function Inspect() {
  const [search, setSearch] = useSearchParams()
  const path = search.get('path') ?? ''
  // A link to another disk of the chain changes the address: the field follows.
  return (
    <InspectPath key={path} path={path} onPath={(next) => setSearch(next === '' ? {} : { path: next })} />
  )
}

interface InspectPathProps {
  readonly path: string
  readonly onPath: (path: string) => void
}

function InspectPath({ path, onPath }: InspectPathProps) {
  const [typed, setTyped] = useState(path)
  const inspection = useQuery({ ...inspectionQuery(path), enabled: path !== '' })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (typed.trim() === path) void inspection.refetch()
    else onPath(typed.trim())
  }
  return (
    <Page
      title="Inspect"
      lead="What is in a virtual disk, a machine file or a network file, and what is wrong with it. Inspecting changes nothing."
      actions={
        inspection.data?.kind === 'machine' && (
          <Button
            component={Link}
            to={`/machines/add?path=${encodeURIComponent(path)}`}
            variant="default"
            leftSection={<IconFileImport size={18} />}
          >
            Add this machine
          </Button>
        )
      }
    >
      <Paper p="md" mb="md">
        <form onSubmit={submit}>
          <PathField
            label="Full path of the file"
            wanted={['disk', 'machine', 'network', 'floppy']}
            placeholder="/srv/machines/Windows XP/Windows XP.vhd"
            value={typed}
            onChange={setTyped}
            onChosen={onPath}
            action={
              <Button type="submit" leftSection={<IconZoomScan size={18} />} loading={inspection.isFetching}>
                Inspect
              </Button>
            }
          />
        </form>
      </Paper>
      <section aria-live="polite" aria-label="Report">
        {path === '' && (
          <Empty title="Any file of a virtual machine">
            VHD, VHDX, VMDK, VDI, QCOW2 and raw disks with their parents, VMC machines, Options.xml and VNC
            networks.
          </Empty>
        )}
        {path !== '' && inspection.isPending && (
          <Center mih={160}>
            <Loader aria-label="Reading the file" />
          </Center>
        )}
        {path !== '' && <BrokenDisk path={path} error={inspection.error} />}
        {inspection.isSuccess && (
          <Stack gap="md">
            {inspection.data.kind === 'disk' && <DiskActionsBar report={inspection.data} />}
            <InspectionView inspection={inspection.data} />
          </Stack>
        )}
      </section>
    </Page>
  )
}
