import { Alert, Code, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCircleX, IconInfoCircle } from '@tabler/icons-react'
import type { Problem } from '../../base/index.ts'

const LOOKS = {
  error: { color: 'red', icon: <IconCircleX />, name: 'Problem' },
  warning: { color: 'amber', icon: <IconAlertTriangle />, name: 'Warning' },
  note: { color: 'blue', icon: <IconInfoCircle />, name: 'Note' },
} as const satisfies Record<Problem['severity'], unknown>

const ORDER = ['error', 'warning', 'note'] as const

/** What is wrong in plain words, the worst first, each with its next step. */
export function ProblemList({ problems }: { readonly problems: readonly Problem[] }) {
  const sorted = [...problems].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
  return (
    <Stack gap="xs" component="ul" p={0} m={0} style={{ listStyle: 'none' }}>
      {sorted.map((problem) => (
        <li key={`${problem.code} ${problem.message}`}>
          <ProblemAlert problem={problem} />
        </li>
      ))}
    </Stack>
  )
}

function ProblemAlert({ problem }: { readonly problem: Problem }) {
  const look = LOOKS[problem.severity]
  return (
    <Alert color={look.color} icon={look.icon} p="sm" role="note" aria-label={look.name}>
      <Text size="sm">{problem.message}</Text>
      {problem.next !== undefined && (
        <Text size="sm" mt={4}>
          <strong>What to do: </strong>
          {problem.next}
        </Text>
      )}
      <Text size="xs" c="dimmed" mt={4} component="div">
        <Place problem={problem} />
      </Text>
    </Alert>
  )
}

function Place({ problem: { code, where } }: { readonly problem: Problem }) {
  return (
    <>
      <Code fz="xs">{code}</Code>
      {where?.path !== undefined && <span className="path"> {where.path}</span>}
      {where?.offset !== undefined && ` at byte 0x${where.offset.toString(16)}`}
      {where?.field !== undefined && ` (${where.field})`}
    </>
  )
}
