import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'

interface PageProps {
  readonly title: string
  readonly lead?: ReactNode
  /** A small picture beside the title. */
  readonly picture?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
  /** Reading width for forms and reports; lists use the whole window. */
  readonly narrow?: boolean
}

export function Page({ title, lead, picture, actions, children, narrow = false }: PageProps) {
  useDocumentTitle(title)
  return (
    <Box maw={narrow ? 980 : 1560} mx={narrow ? 0 : 'auto'} w="100%">
      <Group justify="space-between" align="flex-end" mb="lg" gap="md">
        <Group gap="md" wrap="nowrap" miw={0} style={{ flex: '1 1 260px' }}>
          {picture}
          <Stack gap={2} miw={0}>
            <Title order={1} style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {lead !== undefined && (
              <Text c="dimmed" size="sm" component="div">
                {lead}
              </Text>
            )}
          </Stack>
        </Group>
        {actions !== undefined && (
          <Group gap="xs" className="page-actions">
            {actions}
          </Group>
        )}
      </Group>
      {children}
    </Box>
  )
}

export function useDocumentTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Vivarium`
  }, [title])
}
