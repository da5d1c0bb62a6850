import { Group, Paper, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

interface PanelProps {
  readonly title: string
  readonly icon?: ReactNode
  readonly aside?: ReactNode
  readonly children: ReactNode
}

/** A titled card; a region that screen readers can jump to. */
export function Panel({ title, icon, aside, children }: PanelProps) {
  const id = useId()
  return (
    <Paper component="section" aria-labelledby={id} p="md">
      <Group justify="space-between" mb="sm" gap="xs" wrap="nowrap">
        <Group gap={8} wrap="nowrap">
          {icon}
          <Title order={2} id={id}>
            {title}
          </Title>
        </Group>
        {aside}
      </Group>
      {children}
    </Paper>
  )
}
