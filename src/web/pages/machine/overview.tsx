import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconCircleX } from '@tabler/icons-react'
import { useState } from 'react'
import type { MachineDetails } from '../../../api/index.ts'
import { formatSize, type Problem } from '../../../base/index.ts'
import { whyNot } from '../../machine/machine-actions.ts'
import { type AskedAction, MachineDialog } from '../../machine/machine-dialogs.tsx'
import { useMachineAct } from '../../machine/use-machine-act.ts'
import { RecordText } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { formatWhen } from '../../parts/format.ts'
import { Panel } from '../../parts/panel.tsx'
import { ProblemList } from '../../parts/problem-list.tsx'
import { ReasonButton } from '../../parts/reason-button.tsx'
import { MachineFacts, Ports } from '../../reports/machine-report.tsx'
import classes from '../../reports/reports.module.css'
import { Adapters } from './adapters.tsx'
import { Drives } from './drives.tsx'
import { isAmong, problemsOf } from './problems-of.ts'

interface OverviewProps {
  readonly machine: MachineDetails
}

export function Overview({ machine }: OverviewProps) {
  const problems: readonly Problem[] = problemsOf(machine)
  return (
    <Stack gap="md">
      {machine.lastError !== undefined && !isAmong(machine.lastError, problems) && (
        <Alert color="red" icon={<IconCircleX />} title="The last run ended with an error" role="note">
          <RecordText record={machine.lastError} />
        </Alert>
      )}
      {problems.length > 0 && (
        <Panel title="Problems">
          <ProblemList problems={problems} />
        </Panel>
      )}
      <div className={classes.columns}>
        <Stack gap="md">
          <Panel title="Machine">
            {machine.report === undefined ? (
              <Facts
                of={{
                  File: <span className="path">{machine.path}</span>,
                  Added: formatWhen(machine.addedAt),
                }}
              />
            ) : (
              <MachineFacts report={machine.report} />
            )}
          </Panel>
          {machine.report?.notes !== undefined && (
            <Panel title="Notes">
              <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
                {machine.report.notes}
              </Text>
            </Panel>
          )}
          {machine.notes.length > 0 && (
            <Panel title="What the guest finds changed">
              <ProblemList problems={machine.notes} />
            </Panel>
          )}
        </Stack>
        <Stack gap="md">
          <Panel title="Drives">
            <Drives machine={machine} />
          </Panel>
          <UndoPanel machine={machine} />
          <Adapters machineId={machine.id} />
          {machine.report !== undefined && (
            <Panel title="Ports">
              <Ports report={machine.report} />
            </Panel>
          )}
        </Stack>
      </div>
      {machine.argv.length > 0 && <CommandLine argv={machine.argv} />}
    </Stack>
  )
}

function UndoPanel({ machine }: OverviewProps) {
  const acts = useMachineAct(machine.id)
  const [asked, setAsked] = useState<AskedAction>()
  const { enabled, pending, sizeBytes } = machine.undo
  return (
    <Panel title="Undo disks">
      <Text size="sm">
        {enabled
          ? "On: the machine's own disks stay as they are; what it writes goes to undo disks."
          : 'Off: what the machine writes goes to its own disks.'}
      </Text>
      <Text size="sm" mt={6}>
        {pending
          ? `${formatSize(sizeBytes)} of changes wait to be committed or discarded.`
          : 'There are no changes.'}
      </Text>
      <Group mt="sm" gap="xs">
        <ReasonButton
          size="xs"
          variant="default"
          reason={whyNot('commitUndo', machine)}
          onClick={() => setAsked('commitUndo')}
        >
          Commit
        </ReasonButton>
        <ReasonButton
          size="xs"
          variant="default"
          reason={whyNot('discardUndo', machine)}
          onClick={() => setAsked('discardUndo')}
        >
          Discard
        </ReasonButton>
      </Group>
      {asked !== undefined && (
        <MachineDialog action={asked} machine={machine} acts={acts} onClose={() => setAsked(undefined)} />
      )}
    </Panel>
  )
}

/** For the curious; it is also what to send along with a question. */
function CommandLine({ argv }: { readonly argv: readonly string[] }) {
  const [open, setOpen] = useState(false)
  return (
    <Panel
      title="Command line"
      aside={
        <Button size="compact-sm" variant="subtle" aria-expanded={open} onClick={() => setOpen(!open)}>
          {open ? 'Hide' : 'Show'}
        </Button>
      }
    >
      {open ? (
        <pre className={`path ${classes.argv}`}>{shellLines(argv)}</pre>
      ) : (
        <Text size="sm" c="dimmed">
          What the engine is started with.
        </Text>
      )}
    </Panel>
  )
}

/** One option a line, quoted where a shell would need it. */
function shellLines(argv: readonly string[]): string {
  return argv
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .reduce((text, word) => `${text}${word.startsWith('-') ? ' \\\n  ' : ' '}${word}`)
}
