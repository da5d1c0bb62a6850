import { defineCommand, defineVerb, printJson, runCommand } from '../command.ts'
import { connect } from '../connection.ts'
import { renderTable } from '../render/table.ts'

export function run(args: string[]): Promise<number> {
  const task = defineCommand('vivarium task', 'Long work of the running server.')
  defineVerb(task, 'list', 'all tasks, newest first').action(async ({ json }: { json?: boolean }) => {
    const tasks = await connect()('tasks', {})
    if (json) return printJson(tasks)
    const rows = tasks.map((each) => [
      each.id,
      each.state,
      `${each.percent.toFixed(0)} %`,
      each.title,
      each.error?.message ?? each.detail ?? '',
    ])
    console.log(
      rows.length === 0 ? 'There are no tasks.' : renderTable(['Id', 'State', 'Done', 'Task', ''], rows),
    )
  })
  defineVerb(task, 'cancel <id>', 'stop a task').action(async (id: string, { json }: { json?: boolean }) => {
    const cancelled = await connect()('cancelTask', { id })
    if (json) printJson(cancelled)
    else console.log(`"${cancelled.title}" was told to stop.`)
  })
  return runCommand(task, args)
}
