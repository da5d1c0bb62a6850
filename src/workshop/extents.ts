import { dirname } from 'node:path'
import { type Problem, VivariumError } from '../base/index.ts'
import { baseNameOf, quoted, sparseExtentNames } from '../disk/index.ts'
import { findIn } from '../system/disk-files.ts'
import { type DiagnoseOptions, examineDiskFile, openDiskStore } from '../system/index.ts'

export interface ExtentFindings {
  readonly path: string
  readonly problems: readonly Problem[]
  /** How many acts its repair would do. */
  readonly repairable: number
}

/** Examines the sparse files of a disk that consists of several; one that is away is for the reader to say. */
export async function examineExtents(file: string, options: DiagnoseOptions): Promise<ExtentFindings[]> {
  const findings: ExtentFindings[] = []
  for (const path of extentsOf(file)) {
    const found = await examineDiskFile(path, { ...options, format: 'vmdk' })
    if (found === undefined) continue
    found.close()
    findings.push({ path, problems: found.problems, repairable: found.surgery.acts.length })
  }
  return findings
}

function extentsOf(file: string): string[] {
  const store = openDiskStore(file, false)
  try {
    return sparseExtentNames(store).flatMap((name) => {
      const base = baseNameOf(name)
      return (base !== undefined && findIn(dirname(file), base)) || []
    })
  } catch (error) {
    if (error instanceof VivariumError) return []
    throw error
  } finally {
    store.close()
  }
}

/** Each file is repaired by itself, with a backup of its own. */
export function repairInExtents(file: string, broken: readonly ExtentFindings[]): VivariumError {
  const commands = broken.map(({ path }) => `vivarium disk repair ${quoted(path)}`)
  return new VivariumError(
    'unsupported',
    'repair-in-extents',
    `What can be repaired lies in ${broken.length === 1 ? 'one file' : `${broken.length} files`} of the image.`,
    { where: { path: file }, next: `Repair: ${commands.join('; ')}.` },
  )
}
