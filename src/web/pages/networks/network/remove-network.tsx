import { Checkbox, List, Text } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import type { NetworkDetails } from '../../../../api/index.ts'
import { call } from '../../../client.ts'
import { adapterName } from '../../../network/use-move-adapter.ts'
import { Confirm } from '../../../parts/confirm.tsx'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { ReasonButton } from '../../../parts/reason-button.tsx'
import { reportDone } from '../../../parts/toast.tsx'

/** Which machines lose their cable is said before, as nothing else would bring it back. */
export function RemoveNetwork({ network }: { readonly network: NetworkDetails }) {
  const [asked, setAsked] = useState(false)
  return (
    <>
      <ReasonButton
        variant="default"
        leftSection={<IconTrash size={18} />}
        reason={network.builtIn === undefined ? undefined : 'This network is there from the start.'}
        onClick={() => setAsked(true)}
      >
        Remove
      </ReasonButton>
      {asked && <Dialog network={network} onClose={() => setAsked(false)} />}
    </>
  )
}

function Dialog({ network, onClose }: { readonly network: NetworkDetails; readonly onClose: () => void }) {
  const [deleteFile, setDeleteFile] = useState(false)
  const cache = useQueryClient()
  const navigate = useNavigate()
  const remove = useMutation({
    meta: { quiet: true },
    mutationFn: () => call('removeNetwork', { key: network.key, force: true, deleteFile }),
    onSuccess: () => {
      reportDone(`${network.name} was removed.`)
      navigate('/networks')
      cache.removeQueries({ queryKey: ['network', network.key] })
      void cache.invalidateQueries({ queryKey: ['networks'] })
      void cache.invalidateQueries({ queryKey: ['adapters'] })
    },
  })
  return (
    <Confirm
      title={`Remove ${network.name}`}
      verb="Remove"
      danger
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {network.adapters.length === 0 ? (
        <Text size="sm">No machine is plugged into it.</Text>
      ) : (
        <>
          <Text size="sm" mb={6}>
            These are unplugged, those that run too:
          </Text>
          <List size="sm">
            {network.adapters.map((adapter) => (
              <List.Item key={`${adapter.machineId} ${adapter.index}`}>
                {adapter.machineName}, {adapterName(adapter)}
                {adapter.isRunning && ' (on)'}
              </List.Item>
            ))}
          </List>
        </>
      )}
      <Checkbox
        mt="md"
        label="Delete its file too"
        description={network.path}
        checked={deleteFile}
        onChange={(event) => setDeleteFile(event.currentTarget.checked)}
      />
      {remove.isError && <ErrorCard title="It was not removed" error={remove.error} />}
    </Confirm>
  )
}
