import { z } from 'zod'
import type { FieldFault } from '../base/index.ts'
import { type NetworkDocument, type NetworkDocumentInput, networkDocumentSchema } from './document.ts'
import { shapeFaults } from './shape-faults.ts'

/**
 * Settings as somebody gives them, where one that nobody knows is refused: misspelt, it would be without effect and
 * without a word. (A file may have some of a later version; reading it leaves them out.)
 */
export const networkSettingsSchema = z
  .custom<NetworkDocumentInput>(
    (value) => typeof value === 'object' && value !== null,
    'It is no group of settings',
  )
  .transform((given, context): NetworkDocument => {
    const { data, error } = networkDocumentSchema.safeParse(given)
    const faults = error === undefined ? unknownSettings(given, data) : shapeFaults(error)
    for (const { field, message } of faults)
      context.addIssue({ code: 'custom', path: field.split('.'), message: message.replace(/\.$/, '') })
    return data ?? z.NEVER
  })

/** What a schema left out of what it was given. */
function unknownSettings(given: unknown, understood: unknown, place: readonly string[] = []): FieldFault[] {
  if (typeof given !== 'object' || given === null || typeof understood !== 'object' || understood === null)
    return []
  return Object.entries(given).flatMap(([key, value]) => {
    const path = [...place, key]
    if (Object.hasOwn(understood, key))
      return unknownSettings(value, (understood as Record<string, unknown>)[key], path)
    return value === undefined ? [] : [unknown(path, given)]
  })
}

function unknown(path: readonly string[], group: object): FieldFault {
  const place = path.join('.')
  const kind = 'kind' in group && typeof group.kind === 'string' ? ` where the kind is "${group.kind}"` : ''
  const others = path.length === 1 ? `; there are ${Object.keys(networkDocumentSchema.shape).join(', ')}` : ''
  return { field: place, message: `There is no setting "${place}"${kind}${others}` }
}
