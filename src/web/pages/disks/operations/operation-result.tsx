import { Alert, List, Text } from '@mantine/core'
import { formatSize, type Problem } from '../../../../base/index.ts'
import { ProblemList } from '../../../parts/problem-list.tsx'

type Result = Readonly<Record<string, unknown>> | undefined

/** Whether the operation only told what it would do. */
export function isPlan(result: Result): boolean {
  return result?.outcome === 'planned' || result?.dryRun === true
}

/** What came of an operation: what was changed, or would be, and what was saved. */
export function OperationResult({ result }: { readonly result: Result }) {
  const acts = actsOf(result)
  const saved = typeof result?.saved === 'number' ? result.saved : undefined
  const planned = isPlan(result)
  return (
    <>
      {planned && (
        <Alert color="blue" role="status" title="Nothing was changed">
          <Text size="sm">This is what would be done. Go back to the form to do it.</Text>
        </Alert>
      )}
      {saved !== undefined && (
        <Text size="sm">
          {formatSize(saved)} {planned ? 'would be saved' : 'were saved'}.
        </Text>
      )}
      {result?.outcome === 'nothing' && <Text size="sm">There is nothing to repair.</Text>}
      {result?.outcome === 'hopeless' && (
        <>
          <Text size="sm">It cannot be repaired; its problems say what to do.</Text>
          <ProblemList problems={problemsOf(result)} />
        </>
      )}
      {acts.length > 0 && (
        <List size="sm" spacing={4}>
          {acts.map((act) => (
            <List.Item key={act}>{act}</List.Item>
          ))}
        </List>
      )}
    </>
  )
}

/** The sentences of a repair's acts; other results have none. */
function actsOf(result: Result): string[] {
  const acts = result?.acts
  if (!Array.isArray(acts)) return []
  const texts = acts.map((act: unknown) =>
    typeof act === 'object' && act !== null && 'what' in act ? String(act.what) : undefined,
  )
  return [...new Set(texts.filter((text) => text !== undefined))]
}

/** What is still wrong; the server made it, and the contract leaves a result open. */
function problemsOf(result: Result): Problem[] {
  return Array.isArray(result?.remaining) ? (result.remaining as Problem[]) : []
}
