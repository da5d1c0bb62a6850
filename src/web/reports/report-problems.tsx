import { Alert } from '@mantine/core'
import { IconCircleCheck } from '@tabler/icons-react'
import type { Problem } from '../../base/index.ts'
import { ProblemList } from '../parts/problem-list.tsx'

/** All problems, or the good news that there are none. */
export function ReportProblems({ problems }: { readonly problems: readonly Problem[] }) {
  if (problems.length > 0) return <ProblemList problems={problems} />
  return (
    <Alert color="fern" icon={<IconCircleCheck />} p="sm">
      No problems found.
    </Alert>
  )
}
