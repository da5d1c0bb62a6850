import { Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Sprout } from './logo.tsx'

interface EmptyProps {
  readonly title: string
  readonly children: ReactNode
}

/** Nothing here yet, and what to do about it. */
export function Empty({ title, children }: EmptyProps) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center">
      <Sprout size={72} />
      <Title order={2}>{title}</Title>
      <Text c="dimmed" size="sm" maw={520} component="div">
        {children}
      </Text>
    </Stack>
  )
}
