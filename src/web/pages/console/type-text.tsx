import { Button, Group, Modal, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { MachineDetails } from '../../../api/index.ts'
import { call } from '../../client.ts'

/** The contract's limit for one call. */
const MOST_CHARACTERS = 4096

interface TypeTextProps {
  readonly machine: MachineDetails
  readonly onClose: () => void
}

/** A clipboard for guests without one: the text is typed on the machine's keyboard. */
export function TypeText({ machine, onClose }: TypeTextProps) {
  const [text, setText] = useState('')
  const type = useMutation({
    mutationFn: () => call('typeKeys', { id: machine.id, text }),
    onSuccess: onClose,
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (text !== '') type.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={`Type text into ${machine.name}`}>
      <form onSubmit={submit}>
        <Textarea
          label="Text"
          description="Typed key by key, as on a US keyboard; a new line presses Enter."
          autosize
          minRows={3}
          maxRows={12}
          maxLength={MOST_CHARACTERS}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          spellCheck={false}
          data-autofocus
        />
        <Group justify="flex-end" mt="md">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={type.isPending}>
            Type
          </Button>
        </Group>
      </form>
    </Modal>
  )
}
