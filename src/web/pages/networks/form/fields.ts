import type { Draft } from './draft.ts'

/** The form of a network as data: what is asked, in which words, and where the answer goes. */

interface Common {
  /** Path below its section or row. */
  readonly name: string
  readonly label: string
  /** The rule, in words, under the field. */
  readonly explain?: string
}

export type Field = Common &
  (
    | {
        readonly kind: 'text' | 'number' | 'list' | 'file' | 'folder'
        /** What holds while the field is empty. */
        readonly empty?: string | ((draft: Draft) => string | undefined)
        readonly wide?: boolean
      }
    | { readonly kind: 'switch'; readonly byDefault: boolean }
    | {
        readonly kind: 'choice'
        /** What is meant when nothing is said. */
        readonly byDefault: string
        readonly choices: readonly { readonly value: string; readonly label: string }[]
        /** The setting is a number. */
        readonly isNumber?: boolean
      }
    | {
        /** Several, with commas between them. */
        readonly kind: 'numbers'
        readonly base: 10 | 16
        readonly empty: string
      }
    /** The value of a DHCP option; its shape follows from the row's type. */
    | { readonly kind: 'optionValue' }
    | {
        readonly kind: 'rows'
        /** One of them, for the buttons: "record". */
        readonly one: string
        readonly fields: readonly Field[]
        /** Asked only of those who want to know more. */
        readonly more?: readonly Field[]
        readonly blank: Draft
      }
  )

export interface Section {
  /** Of the network's settings; the switch of the section adds or removes it. */
  readonly key: string
  readonly title: string
  readonly explain: string
  /** Its settings stay in the file while it is off. */
  readonly keepsOff: boolean
  /** What it starts with when it is switched on. */
  readonly blank: Draft
  readonly fields: readonly Field[]
  /** Asked only of those who want to know more. */
  readonly more?: readonly Field[]
}

/** Whether the section is on: there, and not told to be off. */
export function isOn(section: unknown): boolean {
  return (
    typeof section === 'object' && section !== null && (section as { enabled?: unknown }).enabled !== false
  )
}
