import { VivariumError } from '../base/index.ts'
import { runMain } from './run-main.ts'

interface Verb {
  readonly summary: string
  load(): Promise<{ run(args: string[]): Promise<number> }>
}

/**
 * The command line. Each verb is a file of its own that is only loaded when it is asked for: `inspect` should
 * not wait for a server to be read in.
 */
const VERBS: Record<string, Verb> = {
  inspect: { summary: 'what is in a disk or machine file', load: () => import('./commands/inspect.ts') },
  check: {
    summary: 'only its problems; exit 1 if there is an error',
    load: () => import('./commands/check.ts'),
  },
  machine: {
    summary: 'machines: add, new, list, show, start, stop ...',
    load: () => import('./commands/machine.ts'),
  },
  disk: {
    summary: 'virtual disks: create, convert, compact, merge, repair, ls ...',
    load: () => import('./commands/disk.ts'),
  },
  undo: {
    summary: 'undo disks of a machine file: create, commit, discard, recover ...',
    load: () => import('./commands/undo.ts'),
  },
  network: {
    summary: 'virtual networks: list, new, set, connect, leases, capture ...',
    load: () => import('./commands/network/index.ts'),
  },
  task: { summary: 'long work: list, cancel', load: () => import('./commands/task.ts') },
  event: { summary: 'what happened: list', load: () => import('./commands/event.ts') },
  sample: { summary: 'build a sample machine: hello, debian', load: () => import('./commands/sample.ts') },
  engine: { summary: 'what can run machines here', load: () => import('./commands/engine.ts') },
  open: {
    summary: 'add a machine if needed, start it, open its console',
    load: () => import('./commands/open.ts'),
  },
  serve: { summary: 'the server and its site', load: () => import('./commands/serve.ts') },
  'sign-in': { summary: 'a new one-time link to the site', load: () => import('./commands/sign-in.ts') },
}

async function main(args: string[]): Promise<number> {
  const [verb, ...rest] = args
  if (verb === undefined || verb === 'help' || verb === '--help' || verb === '-h') {
    const target = verb === 'help' ? rest.find((each) => !each.startsWith('-')) : undefined
    if (target !== undefined) return (await entryOf(target).load()).run(['--help'])
    console.log(overview())
    return verb === undefined ? 2 : 0
  }
  if (verb === '--version' || verb === '-V') {
    const { version } = await import('./version.ts')
    console.log(version)
    return 0
  }
  return (await entryOf(verb).load()).run(rest)
}

function entryOf(verb: string): Verb {
  const entry = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined
  if (entry !== undefined) return entry
  throw new VivariumError('invalid', 'usage', `There is no command "${verb}".`, {
    next: 'Run "vivarium help" for the list.',
  })
}

function overview(): string {
  const width = Math.max(...Object.keys(VERBS).map((name) => name.length))
  const lines = Object.entries(VERBS).map(([name, { summary }]) => `  ${name.padEnd(width + 2)}${summary}`)
  return [
    'Usage: vivarium COMMAND [options]',
    '',
    ...lines,
    '',
    'Every command answers --help, and --json with one JSON document on standard output (but for disk cat).',
    'Exit codes: 0 done, 1 problems found or refused, 2 wrong usage or unreadable input, 130 or 143 stopped.',
  ].join('\n')
}

await runMain(main)
