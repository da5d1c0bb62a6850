import { archiveOf, asciiOf, viewOf } from '../base/index.ts'

/** Names files that are often mistaken for machine files, so that an error can say what to do with them. */
export interface ForeignFile {
  /** "a VHD disk image" */
  readonly what: string
  readonly next: string
}

const AS_DISK = 'Inspect it as a disk, or attach it to a machine.'
const UNPACK = 'Unpack it first.'

const MAGICS: readonly (readonly [magic: string, offset: number, what: string, next: string])[] = [
  ['conectix', 0, 'a VHD disk image', AS_DISK],
  ['vhdxfile', 0, 'a VHDX disk image', AS_DISK],
  ['KDMV', 0, 'a VMDK disk image', AS_DISK],
  ['# Disk DescriptorFile', 0, 'the descriptor of a VMDK disk image', AS_DISK],
  ['QFI\xfb', 0, 'a QCOW2 disk image', AS_DISK],
  ['\x7f\x10\xda\xbe', 0x40, 'a VDI disk image', AS_DISK],
  ['CD001', 0x8001, 'a CD image', "Put it in a machine's CD drive."],
  [
    '\x4c\0\0\0\x01\x14\x02\0',
    0,
    'a Windows shortcut, as Virtual PC keeps in its list of machines',
    'Name the .vmc file that it points to.',
  ],
  ['MZ', 0, 'a Windows program', 'If it unpacks a machine, run it on Windows or unpack it with 7-Zip.'],
]

/** Bytes of the file's head that `nameForeignFile` wants to see. */
export const FOREIGN_HEAD_BYTES = 40 * 1024

/** @param tail the last 512 bytes of the file: a fixed VHD has its name only there */
export function nameForeignFile(head: Uint8Array, tail: Uint8Array): ForeignFile | undefined {
  if (head.length >= 4 && viewOf(head).getUint32(0, true) === HYPER_V_STORAGE) {
    return {
      what: "Hyper-V's binary kind of file (.vmcx or .vmrs), which has nothing to do with Windows Virtual PC's .vmcx",
      next: 'Make a new machine and attach the disks of the old one.',
    }
  }
  const archive = archiveOf(head)
  if (archive !== undefined) return { what: archive, next: UNPACK }
  for (const [magic, offset, what, next] of MAGICS) {
    if (asciiOf(head.subarray(offset, offset + magic.length)) === magic) return { what, next }
  }
  // A VHD of the first products has a footer of 511 bytes (formats.md 4.1).
  if (/^.?conectix/s.test(asciiOf(tail.subarray(0, 9)))) return { what: 'a VHD disk image', next: AS_DISK }
  if (/^\s*(#.*\s+)*(\.encoding|config\.version)\s*=/.test(asciiOf(head.subarray(0, 2048)))) {
    return {
      what: 'a VMware machine file (VMX)',
      next: 'Only machines of Virtual PC and Virtual Server open.',
    }
  }
  return undefined
}

/** Signature of the storage format behind Hyper-V's .vmcx and .vmrs, little-endian. */
const HYPER_V_STORAGE = 0x01282014

/** What a root element of another dialect says. */
export function nameForeignRoot(root: string): string {
  return FOREIGN_ROOTS.get(root.replace(/^.*:/, '')) ?? `XML of another kind: its root element is <${root}>`
}

const FOREIGN_ROOTS = new Map([
  ['Envelope', 'an OVF machine description'],
  ['VirtualBox', 'a VirtualBox machine file'],
  ['domain', 'a libvirt machine description'],
  ['html', 'a web page, perhaps saved instead of a download'],
])
