import { statSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import { z } from 'zod'
import { VivariumError } from '../base/index.ts'
import {
  acceptsParent,
  type ImageFacts,
  type ParentRecord,
  parentOptions,
  planReparent,
  relativeLocator,
} from '../disk/index.ts'
import { factsOfFile, openDiskStore, readOptionsFor, realPathOrSelf } from '../system/disk-files.ts'
import {
  performSurgery,
  resolveChain,
  type ShownAct,
  shownAct,
  takeBackUnfinished,
  withDiskClaimed,
} from '../system/index.ts'
import { fileTitle, requireFile } from './files.ts'
import { AGAIN_DOES_THE_REST, defineOperation, type OperationControl } from './operation.ts'
import { findParentFile } from './parent-search.ts'

export interface HealedLink {
  readonly child: string
  readonly parent: string
  /** Empty when the child finds its parent already. */
  readonly acts: readonly ShownAct[]
  readonly backup?: string
}

export interface ReparentResult {
  readonly links: readonly HealedLink[]
  readonly dryRun: boolean
}

const schema = z.object({
  child: z.string(),
  /** The file that is its parent; looked for by id when absent. */
  parent: z.string().optional(),
  /** Folders to look in, with all that is below them. */
  search: z.array(z.string()).default([]),
  dryRun: z.boolean().default(false),
  /** Take a parent with another id, which is then recorded. */
  force: z.boolean().default(false),
})

type Spec = z.output<typeof schema>

/** Heals a chain, link by link from its top: finds each parent, and writes its names into the child. */
export const reparent = defineOperation({
  name: 'reparent',
  schema,
  ifStopped: () => AGAIN_DOES_THE_REST,
  title: ({ child }) => `Find the parent of ${fileTitle(child)}`,
  async run(spec: Spec, control): Promise<ReparentResult> {
    const folders = [...spec.search, ...(control.searchFolders ?? [])].map((folder) =>
      requireFile(folder, control),
    )
    const links: HealedLink[] = []
    const seen = new Set<string>()
    for (let child: string | undefined = requireFile(spec.child, control); child !== undefined; ) {
      if (seen.has(child)) throw cycle(child)
      seen.add(child)
      const link = await healLink(child, { spec, isTop: links.length === 0, folders, control, above: seen })
      if (link === undefined) break
      links.push(link)
      control.progress(links.length / (links.length + 1), fileTitle(link.parent))
      child = link.parent
    }
    control.progress(1)
    return { links, dryRun: spec.dryRun }
  },
})

interface Healing {
  readonly spec: Spec
  readonly isTop: boolean
  readonly folders: readonly string[]
  readonly control: OperationControl
  readonly above: ReadonlySet<string>
}

async function healLink(child: string, healing: Healing): Promise<HealedLink | undefined> {
  const { spec, isTop } = healing
  if (spec.dryRun) return planLink(child, healing, () => undefined)
  if (!isTop && factsOfFile(child).parent === undefined) return undefined
  return await withDiskClaimed(child, async () => {
    takeBackUnfinished(child)
    return planLink(child, healing, (surgery) => performSurgery(child, surgery, 'reparent'))
  })
}

function planLink(
  child: string,
  healing: Healing,
  go: (surgery: ReturnType<typeof planReparent>) => string | undefined,
): HealedLink | undefined {
  const { spec, isTop, control } = healing
  control.signal.throwIfAborted()
  const facts = factsOfFile(child)
  if (facts.parent === undefined) {
    if (isTop) throw noParent(child)
    return undefined
  }
  const given = isTop && spec.parent !== undefined ? requireFile(spec.parent, control) : undefined
  const known = given === undefined ? recordedParent(child, control) : undefined
  if (known !== undefined) return { child, parent: known, acts: [] }
  const parent = given ?? findParentFile(child, facts.parent, healing.folders, control)
  if (healing.above.has(parent)) throw cycle(parent)
  const parentFacts = factsOfFile(parent, parentOptions(facts.parent, readOptionsFor(parent)))
  requireFitting(child, facts, parent, parentFacts, healing)
  const store = openDiskStore(child, false)
  try {
    const surgery = planReparent(store, facts.format, recordOf(child, parent, parentFacts))
    const acts = surgery.acts.map(shownAct)
    const backup = acts.length > 0 ? go(surgery) : undefined
    return { child, parent, acts, ...(backup !== undefined && { backup }) }
  } finally {
    store.close()
  }
}

/** The parent, when the child finds it by what it records. */
function recordedParent(child: string, { roots }: OperationControl): string | undefined {
  const { links, layers } = resolveChain(child, { roots, anyRawParent: true })
  const [link] = links
  const isRecorded = link?.foundBy === 'relative' || link?.foundBy === 'absolute'
  // A VDI records no name: wherever it finds its parent it is as well as it can be.
  const isNameless = link !== undefined && link.recordedAs.length === 0
  return isRecorded || isNameless ? layers[1]?.path : undefined
}

function recordOf(child: string, parent: string, facts: ImageFacts): ParentRecord {
  return {
    ...(facts.id !== undefined && { id: facts.id }),
    stamp: facts.stamp ?? 0,
    format: facts.format,
    sizeBytes: facts.sizeBytes,
    absolutePath: parent,
    relativePath: relativeLocator(segments(dirname(realPathOrSelf(child))), segments(parent)),
  }
}

function segments(path: string): string[] {
  return path.split(sep).filter((segment) => segment !== '')
}

/** @throws VivariumError kind `conflict` for another id (unless forced), another size, another format. */
function requireFitting(
  child: string,
  facts: ImageFacts,
  parent: string,
  parentFacts: ImageFacts,
  { spec, control }: Healing,
): void {
  const reference = facts.parent!
  const warn = (code: string, message: string, next: string) =>
    control.note({ code, severity: 'warning', message, next, where: { path: child } })
  const accepted = acceptsParent(reference, parentFacts)
  if (!accepted && !spec.force) throw otherId(child, parent, facts, parentFacts)
  const namesAnySize = reference.id === undefined && reference.sizeBytes === undefined
  if (parentFacts.sizeBytes !== facts.sizeBytes && !namesAnySize)
    throw new VivariumError(
      'conflict',
      'reparent-size-mismatch',
      `The disk has ${facts.sizeBytes} bytes, and ${parent} has ${parentFacts.sizeBytes}: it is not its parent.`,
      { where: { path: child, field: 'size' }, next: 'Name the disk that this one was made from.' },
    )
  if (!accepted)
    warn(
      'reparent-forced',
      `${parent} is not the disk that this one was made from. Where it differs from that one, the disk shows a mixture of both.`,
      'Compare the files on it with a backup before you rely on them; the former bytes are in the backup of this change.',
    )
  if (statSync(parent).mtimeMs > statSync(child).mtimeMs)
    warn(
      'parent-newer',
      `${parent} was written after the disk: if its content was changed, the disk is damaged.`,
      'Make sure that nothing wrote to the parent. A copy that was only made later does no harm.',
    )
  if (reference.stamp !== 0 && parentFacts.stamp !== undefined && reference.stamp !== parentFacts.stamp)
    warn(
      'parent-time-mismatch',
      `${parent} bears another time stamp than the disk recorded: it may have been changed since. The new one is recorded.`,
      'Make sure that nothing wrote to the parent; if something did, the disk may be damaged.',
    )
}

function otherId(child: string, parent: string, facts: ImageFacts, parentFacts: ImageFacts): VivariumError {
  return new VivariumError(
    'conflict',
    'reparent-id-mismatch',
    `${parent} has the id ${parentFacts.id ?? 'none'}, and the disk was made from ${facts.parent!.id ?? 'a disk without id'}.`,
    {
      where: { path: child, field: 'parent id' },
      next: 'Find the right parent: --search FOLDER. With another one the content is wrong; --force takes it all the same.',
    },
  )
}

function noParent(path: string): VivariumError {
  return new VivariumError('invalid', 'disk-has-no-parent', 'It is no differencing disk and has no parent.', {
    where: { path },
  })
}

function cycle(path: string): VivariumError {
  return new VivariumError('corrupt', 'parent-cycle', `The chain of parents would come back to ${path}.`, {
    where: { path, field: 'parent' },
    next: 'Name another parent.',
  })
}
