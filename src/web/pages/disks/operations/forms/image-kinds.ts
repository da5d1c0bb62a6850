import { type DiskFormat, diskFormats, diskProfiles } from '../../../../../disk/index.ts'
import { folderOf } from '../../../../parts/format.ts'
import { type Choice, type Field, textOf, type Values } from '../fields.ts'

/** Which kinds of image can be made, from the formats' own table. */
export const madeFormats: readonly DiskFormat[] = diskFormats.filter(
  ({ subformats }) => subformats !== undefined,
)

const NO_PROFILE = 'none'

/** A profile decides all of it; else a format and one of its kinds. */
export function kindFields(withProfile: boolean, isOne: boolean): readonly Field[] {
  const chosen = (values: Values) => textOf(values, 'profile') === NO_PROFILE
  const profile: Field = {
    kind: 'choice',
    name: 'profile',
    label: 'For',
    description: 'A product decides format, kind and size; the result says what was changed for it.',
    choices: [
      { value: NO_PROFILE, label: 'No product: I choose the format' },
      ...diskProfiles.map(({ name, label }) => ({ value: name, label })),
    ],
  }
  const format: Field = {
    kind: 'choice',
    name: 'format',
    label: 'Format',
    choices: madeFormats.map(({ name, label }) => ({
      value: name,
      label: `${name.toUpperCase()}: ${label}`,
    })),
    when: chosen,
  }
  const subformat: Field = {
    kind: 'choice',
    name: 'subformat',
    label: 'Kind',
    choices: (values) => kindsOf(textOf(values, 'format'), isOne),
    when: chosen,
  }
  return withProfile ? [profile, format, subformat] : [format, subformat]
}

export function kindsOf(format: string, isOne = false): readonly Choice[] {
  const { subformats = [] } = madeFormats.find(({ name }) => name === format) ?? {}
  return subformats
    .filter(({ name, severalFiles }) => name !== 'differencing' && !(isOne && severalFiles === true))
    .map(({ name, label }) => ({ value: name, label: `${name}: ${label}` }))
}

export const INITIAL_KIND: Values = { profile: NO_PROFILE, format: 'vhd', subformat: 'dynamic' }

/** The kind as typed may be one of another format: then that format's usual one is meant. */
export function chosenKind(values: Values): { profile?: string; format?: string; subformat?: string } {
  const profile = textOf(values, 'profile')
  if (profile !== '' && profile !== NO_PROFILE) return { profile }
  const format = textOf(values, 'format')
  const kinds = kindsOf(format)
  const subformat = kinds.find(({ value }) => value === textOf(values, 'subformat')) ?? kinds[0]
  return { format, ...(subformat !== undefined && { subformat: subformat.value }) }
}

export function extensionFor(format: string): string {
  return madeFormats.find(({ name }) => name === format)?.extensions[0] ?? '.img'
}

/** "/srv/xp.vhd" with " copy" and ".vhdx" becomes "/srv/xp copy.vhdx". */
export function besides(path: string, suffix: string, extension: string): string {
  const folder = folderOf(path)
  const name = path.slice(path.lastIndexOf('/') + 1).replace(/\.[^.]*$/, '')
  return `${folder === '/' ? '' : folder}/${name}${suffix}${extension}`
}

/** The new file's ending follows the format that is chosen, or that the profile prefers. */
export function followFormat(field: 'target' | 'path'): (values: Values) => Values {
  return (values) => {
    const profile = diskProfiles.find(({ name }) => name === textOf(values, 'profile'))
    const extension = extensionFor(profile?.formats[0]?.format ?? textOf(values, 'format'))
    const path = textOf(values, field)
    return { ...values, [field]: path.replace(/(?<=[^/])\.[^./]*$/, extension) }
  }
}
