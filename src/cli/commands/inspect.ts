import { dirname } from 'node:path'
import { problemFrom, VivariumError } from '../../base/index.ts'
import { inspectFile } from '../../server/inspection.ts'
import { collect, defineCommand, printJson, runCommand, setExitCode } from '../command.ts'
import { pathOf } from '../path.ts'
import { renderInspection } from '../render/inspection.ts'

export interface InspectOptions {
  root: string[]
  search: string[]
  format?: string
  guest?: boolean
  json?: boolean
}

export function run(args: string[]): Promise<number> {
  const command = defineCommand(
    'vivarium inspect',
    'Tell what is in a disk or machine file, and what is wrong with it.',
  )
    .argument(
      '<file>',
      'VHD, VUD, VHDX, VMDK, VDI, QCOW2, raw image, floppy, ISO, VMC, VMCX, VNC or Options.xml',
    )
    .option('--root <folder>', 'a folder that the file may refer into (repeat for more)', collect, [])
    .option('--search <folder>', 'look for parent disks here too (repeat for more)', collect, [])
    .option('--format <format>', 'what a disk is, where the file does not show it: raw, vhd, vhdx, qcow2 ...')
    .option('--guest', "look into the guest's files too for what system it is")
    .option('--json', 'one JSON document on standard output')
    .action(async (file: string, options: InspectOptions) => {
      if (options.guest && options.format !== undefined) throw guestWithFormat()
      const looked = inspect(file, options)
      const report = options.guest ? await withGuest(looked, options) : looked
      if (options.json) printJson(report)
      else console.log(renderInspection(report))
      if (report.problems.some(({ severity }) => severity === 'error')) setExitCode(1)
    })
  return runCommand(command, args)
}

function guestWithFormat(): VivariumError {
  return new VivariumError(
    'invalid',
    'usage',
    'The guest is looked into as what the content of the file says, not as another format.',
    { where: { field: '--guest' }, next: 'Leave --guest or --format out.' },
  )
}

/** On the command line the user names the file, so whatever it refers to may be looked at. */
export function inspect(file: string, options: InspectOptions): ReturnType<typeof inspectFile> {
  const path = pathOf(file)
  return inspectFile(path, lookingFrom(path, options))
}

function lookingFrom(path: string, { root, search, format }: InspectOptions) {
  return {
    roots: root.length > 0 ? [dirname(path), ...root.map(pathOf)] : ['/'],
    searchFolders: [dirname(path), ...search.map(pathOf)],
    ...(format !== undefined && { format }),
  }
}

/** Reading files of the guest takes a process of its own, and modules that are loaded only for this. */
async function withGuest(
  report: ReturnType<typeof inspectFile>,
  options: InspectOptions,
): Promise<ReturnType<typeof inspectFile>> {
  if (report.kind !== 'disk') return report
  const { openInside } = await import('../../workshop/index.ts')
  const inside = openInside(report.path, lookingFrom(report.path, options))
  try {
    const guest = await inside.guest()
    return guest === undefined ? report : { ...report, guest }
  } catch (error) {
    const problem = problemFrom(error, 'warning')
    return { ...report, problems: [...report.problems, problem] }
  } finally {
    inside.close()
  }
}
