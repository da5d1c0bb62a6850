import { runMain } from './run-main.ts'

interface Verb {
  run(args: string[]): Promise<number>
}

/**
 * The commands that only look at a file, made into small files by the build, one a command: whoever inspects a hundred
 * disks in a loop should not wait a hundred times for modules that have nothing to do with it.
 */
const QUICK: Record<string, () => Promise<Verb>> = {
  inspect: () => import('./commands/inspect.ts'),
  check: () => import('./commands/check.ts'),
}

await runMain(async ([verb, ...rest]) => (await QUICK[verb!]!()).run(rest))
