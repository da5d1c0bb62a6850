import { asciiBytes, asciiOf } from '../../../base/index.ts'
import type { Geometry } from '../../format.ts'

/** Lines of a descriptor that are to be others; all the rest stays byte for byte, in whatever encoding it is. */
export interface DescriptorEdit {
  /** Of the last extent. */
  readonly sectors: number
  /** Sectors of each extent behind it, named by its number going on. */
  readonly added: readonly number[]
  /** In place of the one that is recorded, where one is. */
  readonly geometry: Geometry
}

/** access, sectors, type and the name's quote, name, the rest (its quote, and a flat extent's offset). */
const EXTENT = /^(\s*(?:RW|RDONLY|NOACCESS)\s+)(\d+)(\s+[A-Za-z]\w*\s+")([^"]*)(".*)$/i
const NUMBERED = /^(.*-[sf])(\d{3,})(\.vmdk)$/is

/** The name of the extent that comes `by` behind this one; none where the name has no number. */
export function nameOfNext(name: string, by: number): string | undefined {
  const match = NUMBERED.exec(name)
  if (match === null) return undefined
  return `${match[1]}${String(Number(match[2]) + by).padStart(match[2]!.length, '0')}${match[3]}`
}

export function editDescriptor(padded: Uint8Array, edit: DescriptorEdit): Uint8Array<ArrayBuffer> {
  const nul = padded.indexOf(0)
  // One character a byte: what is changed is ASCII in every encoding.
  const text = asciiOf(nul === -1 ? padded : padded.subarray(0, nul))
  const lineEnd = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n'
  const lines = text.split(/\r\n|\n|\r/)
  const last = lines.findLastIndex((line) => EXTENT.test(line))
  const [, access, , type, name, rest] = EXTENT.exec(lines[last] ?? '') as unknown as string[]
  const extents = [`${access}${edit.sectors}${type}${name}${rest}`]
  for (const [index, sectors] of edit.added.entries())
    extents.push(
      `${access}${sectors}${type}${nameOfNext(name!, index + 1)}"${/FLAT/i.test(type!) ? ' 0' : ''}`,
    )
  lines.splice(last, 1, ...extents)
  return asciiBytes(lines.map((line) => withGeometry(line, edit.geometry)).join(lineEnd))
}

function withGeometry(line: string, { cylinders, heads, sectorsPerTrack }: Geometry): string {
  const match = /^(\s*ddb\.geometry\.(cylinders|heads|sectors)\s*=\s*"?)\d+(.*)$/i.exec(line)
  if (match === null) return line
  const values = { cylinders, heads, sectors: sectorsPerTrack }
  return `${match[1]}${values[match[2]!.toLowerCase() as keyof typeof values]}${match[3]}`
}
