import { Center, Loader, Paper } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Page } from '../../parts/page.tsx'
import { hostQuery } from '../../queries.ts'
import { createForm } from './operations/forms/create.ts'
import { OperationForm } from './operations/operation-form.tsx'
import { Upload } from './upload.tsx'

/** Virtual Disks > Create: a new one, or one from the computer in front of you. */
export function CreateDisk() {
  const host = useQuery(hostQuery).data
  return (
    <Page
      title="Create a disk"
      lead="A new virtual disk in any format, or one uploaded from this computer."
      narrow
    >
      {host === undefined ? (
        <Center mih={160}>
          <Loader aria-label="Asking for the library" />
        </Center>
      ) : (
        <>
          <Paper p="md" mb="md">
            <OperationForm form={createForm(host.libraryFolder)} />
          </Paper>
          <Upload libraryFolder={host.libraryFolder} />
        </>
      )}
    </Page>
  )
}
