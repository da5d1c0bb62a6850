import type { ChainLink } from '../../disk/index.ts'

interface StateText {
  readonly label: string
  readonly color: string
  readonly next?: string
}

/** What the state of a parent means, and what to do about it. */
export const CHAIN_STATES = {
  found: { label: 'found', color: 'fern' },
  missing: {
    label: 'missing',
    color: 'red',
    next: 'Copy the parent to one of the places below, or beside its child.',
  },
  'id-mismatch': {
    label: 'another disk',
    color: 'red',
    next: 'A disk of this name is there, but it is not the parent: its id differs. Find the right one.',
  },
  'time-mismatch': {
    label: 'changed since',
    color: 'amber',
    next: 'The parent was written after the child was made. If that was more than a copy, the child may be damaged.',
  },
  unreadable: {
    label: 'not readable',
    color: 'red',
    next: 'Inspect the parent itself to see what is wrong with it.',
  },
  cycle: {
    label: 'names itself',
    color: 'red',
    next: 'The chain leads back to a disk it came from; one of them names a wrong parent.',
  },
} as const satisfies Record<ChainLink['state'], StateText>

export const FOUND_BY = {
  relative: 'by its relative path',
  absolute: 'by its full path',
  beside: 'beside its child',
  'search-id': 'by its id in a search folder',
  given: 'as given',
} as const satisfies Record<NonNullable<ChainLink['foundBy']>, string>
