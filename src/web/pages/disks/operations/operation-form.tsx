import { Button, Group, Stack, Text } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { call } from '../../../client.ts'
import { ErrorCard } from '../../../parts/error-card.tsx'
import { FieldInput } from './field-input.tsx'
import { type Field, problemsOf, type Values, visibleFields } from './fields.ts'
import { OperationProgress } from './operation-progress.tsx'

export interface FormOperation {
  /** Its name in the workshop. */
  readonly operation: string
  /** On the button that does it. */
  readonly verb: string | ((values: Values) => string)
  readonly explanation: ReactNode
  readonly danger?: boolean
  readonly fields: readonly Field[]
  readonly initial: Values
  /** What else changes when a choice is made. */
  readonly follow?: (values: Values) => Values
  readonly specOf: (values: Values) => Record<string, unknown>
  /** Where the result can be looked at, once it is there. */
  readonly resultPath?: (values: Values) => string
}

interface OperationFormProps {
  readonly form: FormOperation
  readonly onClose?: (() => void) | undefined
}

/** Asks for what an operation needs, starts it, and follows it to its end. */
export function OperationForm({ form, onClose }: OperationFormProps) {
  const cache = useQueryClient()
  const [values, setValues] = useState(form.initial)
  const [tried, setTried] = useState(false)
  const [taskId, setTaskId] = useState<string>()
  const start = useMutation({
    mutationFn: () => call('startDiskOperation', { operation: form.operation, spec: form.specOf(values) }),
    meta: { quiet: true },
    onSuccess: (answer) => {
      setTaskId(answer.taskId)
      void cache.invalidateQueries({ queryKey: ['tasks'] })
    },
  })
  const problems = problemsOf(form.fields, values)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    setTried(true)
    if (Object.keys(problems).length === 0) start.mutate()
  }
  if (taskId !== undefined) {
    return (
      <OperationProgress
        taskId={taskId}
        resultPath={form.resultPath?.(values)}
        onAgain={() => setTaskId(undefined)}
        onClose={onClose}
      />
    )
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Text size="sm" component="div">
          {form.explanation}
        </Text>
        {visibleFields(form.fields, values).map((field) => (
          <FieldInput
            key={field.name}
            field={field}
            values={values}
            error={tried ? problems[field.name] : undefined}
            onChange={(value) => setValues((old) => changed(form, field, { ...old, [field.name]: value }))}
          />
        ))}
        {start.isError && <ErrorCard title="It cannot be done" error={start.error} />}
        <Group justify="flex-end">
          {onClose !== undefined && (
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
          )}
          <Button type="submit" color={form.danger === true ? 'red' : 'fern'} loading={start.isPending}>
            {typeof form.verb === 'string' ? form.verb : form.verb(values)}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

function changed(form: FormOperation, field: Field, values: Values): Values {
  return field.kind === 'choice' && form.follow !== undefined ? form.follow(values) : values
}
