import { Command, CommanderError, Help, InvalidArgumentError, type Option } from 'commander'
import { VivariumError } from '../base/index.ts'
import { harmlessJson } from './terminal.ts'

/** A command in our manner: usage errors exit with 2, help with 0, and nothing calls process.exit. */
export function defineCommand(name: string, summary: string): Command {
  return strict(new Command(name).description(summary))
}

/** A verb below a noun, with --json like all others. */
export function defineVerb(parent: Command, usage: string, summary: string): Command {
  return defineStream(parent, usage, summary).option('--json', 'one JSON document on standard output')
}

/** A verb whose standard output is the bytes that were asked for: no --json. */
export function defineStream(parent: Command, usage: string, summary: string): Command {
  return strict(parent.command(usage).description(summary))
}

function strict(command: Command): Command {
  return command
    .exitOverride()
    .showHelpAfterError('(add --help for the usage)')
    .configureHelp({ optionDescription: describeOption })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'vivarium: ')) })
}

/** An option that may be given several times begins with an empty list, which nobody wants to read. */
function describeOption(option: Option): string {
  const isEmptyList = Array.isArray(option.defaultValue) && option.defaultValue.length === 0
  return isEmptyList ? option.description : new Help().optionDescription(option)
}

let exitCode = 0

/** An action that ends well, but with another exit code than 0, says so here. */
export function setExitCode(code: number): void {
  exitCode = code
}

/** Parses, acts, and answers the exit code. */
export async function runCommand(command: Command, args: string[]): Promise<number> {
  exitCode = 0
  try {
    await command.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return 0
    // Commander has written the text to standard error already.
    if (args.includes('--json')) printJsonError(usageError(error))
    return 2
  }
}

function usageError({ message }: CommanderError): VivariumError {
  return new VivariumError('invalid', 'usage', message.replace(/^error: /, ''), {
    next: 'Add --help for the usage.',
  })
}

/** The JSON document in place of a result, so that a program always finds one. */
export function printJsonError(error: VivariumError): void {
  printJson({ error: error.toJSON() })
}

export function printJson(value: unknown): void {
  console.log(harmlessJson(JSON.stringify(value, undefined, 2)))
}

/** An option that may be given several times. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value]
}

/** An option that is a TCP port. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new InvalidArgumentError('It is 0 to 65535.')
  return port
}
