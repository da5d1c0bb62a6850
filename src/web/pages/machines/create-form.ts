import type { CreateMachine } from '../../../api/index.ts'
import { formatSize, GiB, KiB, MiB, parseSize, problemFrom } from '../../../base/index.ts'
import { checkMachineName, MEMORY_MB } from '../../../machine/index.ts'
import { baseName } from '../../parts/format.ts'

/** The rules of the New Virtual Machine Wizard's fields. Texts stay as typed until they are sent. */
export interface CreateForm {
  readonly name: string
  readonly location: string
  readonly guestOs: string
  readonly memoryMB: number | string
  readonly diskKind: 'new' | 'differencing' | 'existing' | 'none'
  readonly subformat: 'dynamic' | 'fixed'
  readonly diskSize: string
  readonly parent: string
  readonly existing: string
  readonly cd: string
  readonly network: string
  readonly undo: boolean
  readonly notes: string
}

export interface GuestOs {
  readonly name: string
  readonly memoryMB: number
  readonly diskGiB: number
}

/** What the wizard offers for each guest: enough to install it and work, well inside its own limits. */
export const GUESTS: readonly GuestOs[] = [
  { name: 'MS-DOS', memoryMB: 16, diskGiB: 2 },
  { name: 'Windows 95', memoryMB: 64, diskGiB: 2 },
  { name: 'Windows 98', memoryMB: 64, diskGiB: 16 },
  { name: 'Windows Me', memoryMB: 128, diskGiB: 16 },
  { name: 'Windows NT Workstation', memoryMB: 64, diskGiB: 4 },
  { name: 'Windows NT Server', memoryMB: 96, diskGiB: 4 },
  { name: 'Windows 2000', memoryMB: 128, diskGiB: 16 },
  { name: 'Windows 2000 Server', memoryMB: 256, diskGiB: 16 },
  { name: 'Windows XP', memoryMB: 256, diskGiB: 16 },
  { name: 'Windows Server 2003', memoryMB: 384, diskGiB: 16 },
  { name: 'Windows Vista', memoryMB: 1024, diskGiB: 64 },
  { name: 'Windows 7', memoryMB: 1024, diskGiB: 64 },
  { name: 'OS/2', memoryMB: 64, diskGiB: 2 },
  { name: 'Linux', memoryMB: 256, diskGiB: 16 },
  { name: 'Other', memoryMB: 128, diskGiB: 16 },
]

export const EMPTY_FORM: CreateForm = {
  name: '',
  location: '',
  guestOs: 'Windows XP',
  memoryMB: 256,
  diskKind: 'new',
  subformat: 'dynamic',
  diskSize: '16 GiB',
  parent: '',
  existing: '',
  cd: '',
  network: '',
  undo: false,
  notes: '',
}

/** VHD: 2040 GiB for a dynamic disk ([MS-VHD] 1.0, "Virtual Hard Disk Image Format"); smallest that holds a file system. */
export const DISK_BYTES = { min: 3 * MiB, max: 2040 * GiB } as const
/** Guests of Virtual PC see an IDE disk through a geometry of at most 65535 x 16 x 255 sectors. */
export const IDE_BYTES = 65_535 * 16 * 255 * 512

export type FormErrors = Partial<Record<keyof CreateForm, string>>

/** The server's own rule; blanks around the name are cut off before it is sent. */
export function checkName(name: string): string | undefined {
  try {
    checkMachineName(name.trim())
    return undefined
  } catch (error) {
    return problemFrom(error).message
  }
}

export function checkDiskSize(text: string): string | undefined {
  const bytes = parseSize(/^\s*[\d.]+\s*$/.test(text) ? `${text}G` : text)
  if (bytes === undefined) return 'Write a size such as 16 GiB or 500 MB.'
  if (bytes < DISK_BYTES.min)
    return `${formatSize(bytes)} is less than the smallest disk, ${formatSize(DISK_BYTES.min)}.`
  if (bytes > DISK_BYTES.max)
    return `${formatSize(bytes)} is more than a VHD can be, ${formatSize(DISK_BYTES.max)}.`
  return undefined
}

/** A bare number means gigabytes, as in the wizard; the size is cut to whole KiB, which are whole sectors. */
export function diskBytes(text: string): number {
  const bytes = parseSize(/^\s*[\d.]+\s*$/.test(text) ? `${text}G` : text) ?? 0
  return Math.floor(bytes / KiB) * KiB
}

/** All problems at once, by field. */
export function checkForm(form: CreateForm): FormErrors {
  const errors: FormErrors = {}
  const add = (field: keyof CreateForm, problem: string | undefined) => {
    if (problem !== undefined) errors[field] = problem
  }
  add('name', checkName(form.name))
  const memory = Number(form.memoryMB)
  if (!Number.isInteger(memory) || memory < MEMORY_MB.least || memory > MEMORY_MB.most)
    add('memoryMB', `Memory is ${MEMORY_MB.least} to ${MEMORY_MB.most} MB, in whole MB.`)
  if (form.diskKind === 'new') add('diskSize', checkDiskSize(form.diskSize))
  if (form.diskKind === 'differencing' && form.parent.trim() === '') add('parent', 'Choose the parent disk.')
  if (form.diskKind === 'existing' && form.existing.trim() === '') add('existing', 'Choose the disk.')
  if (form.notes.length > 40_000) add('notes', 'Notes can have 40,000 characters.')
  return errors
}

/** What the server gets. Only for a form without errors. */
export function requestOf(form: CreateForm): CreateMachine {
  return {
    name: form.name.trim(),
    memoryMB: Number(form.memoryMB),
    disk: diskOf(form),
    undo: form.undo,
    ...filled('location', form.location),
    ...filled('guestOs', form.guestOs),
    ...filled('cd', form.cd),
    ...filled('network', form.network),
    ...filled('notes', form.notes),
  }
}

function diskOf(form: CreateForm): CreateMachine['disk'] {
  if (form.diskKind === 'new')
    return { kind: 'new', subformat: form.subformat, sizeBytes: diskBytes(form.diskSize) }
  if (form.diskKind === 'differencing') return { kind: 'differencing', parent: form.parent.trim() }
  if (form.diskKind === 'existing') return { kind: 'existing', path: form.existing.trim() }
  return { kind: 'none' }
}

function filled(field: string, text: string): Record<string, string> {
  return text.trim() === '' ? {} : { [field]: text.trim() }
}

/** One sentence a line: what will be made. */
export function summaryOf(form: CreateForm, libraryFolder: string): string[] {
  const name = form.name.trim() || 'The machine'
  const disk = {
    new: `A new ${form.subformat} disk of ${formatSize(diskBytes(form.diskSize))}${form.subformat === 'fixed' ? ', all of it written now' : ', which grows as it is used'}.`,
    differencing: `A differencing disk on ${baseName(form.parent || 'its parent')}, which stays as it is.`,
    existing: `The disk ${baseName(form.existing || 'you choose')}, where it lies.`,
    none: 'No disk.',
  }[form.diskKind]
  return [
    `${name} with ${form.memoryMB} MB of memory.`,
    disk,
    form.cd === '' ? 'An empty CD drive.' : `${baseName(form.cd)} in the CD drive.`,
    form.network === '' ? 'A network adapter without cable.' : `A network adapter on ${form.network}.`,
    `In ${form.location === '' ? libraryFolder : form.location}.`,
  ]
}
