import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { call } from '../../client.ts'
import { AddFile } from '../../parts/add-file.tsx'
import { reportDone } from '../../parts/toast.tsx'
import { InspectionView } from '../../reports/inspection.tsx'

export function AddNetwork() {
  return (
    <AddFile
      title="Add existing networks"
      lead="A .vnc file of Virtual Server is one network and stays where it lies. An Options.xml of Virtual PC or Virtual Server holds several; each becomes a file here."
      what="network"
      field={{
        label: 'Full path of the file',
        description: 'A .vnc file or an Options.xml, on the computer Vivarium runs on.',
        wanted: ['network'],
        placeholder: '/srv/networks/Lab.vnc',
      }}
      add={useAdd()}
    >
      {(inspection) => <InspectionView inspection={inspection} />}
    </AddFile>
  )
}

function useAdd() {
  const cache = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    meta: { quiet: true },
    mutationFn: (path: string) => call('addNetworks', { path }),
    onSuccess: (added) => {
      void cache.invalidateQueries({ queryKey: ['networks'] })
      void cache.invalidateQueries({ queryKey: ['adapters'] })
      const [first] = added
      if (added.length === 1 && first !== undefined) {
        reportDone(`${first.name} was added.`)
        navigate(`/network/${first.key}`)
      } else {
        reportDone(`Added: ${added.map(({ name }) => name).join(', ') || 'nothing new'}.`)
        navigate('/networks')
      }
    },
  })
}
