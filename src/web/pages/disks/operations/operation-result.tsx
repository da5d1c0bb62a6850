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
  // Where nothing can be repaired, all that is wrong is told together.
  const chain = result?.outcome === 'hopeless' ? [] : problemsOf(result?.chain)
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
      {result?.outcome === 'nothing' && <Text size="sm">There is nothing to repair in this file.</Text>}
      {result?.outcome === 'hopeless' && (
        <>
          <Text size="sm">It cannot be repaired; its problems say what to do.</Text>
          <ProblemList problems={problemsOf(result.remaining)} />
        </>
      )}
      {chain.length > 0 && (
        <>
          <Text size="sm">Its chain is broken, which no repair of this file puts right:</Text>
          <ProblemList problems={chain} />
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

/** The server made them, and the contract leaves a result open. */
function problemsOf(list: unknown): Problem[] {
  return Array.isArray(list) ? (list as Problem[]) : []
}
