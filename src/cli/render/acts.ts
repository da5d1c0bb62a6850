import type { ShownAct } from '../../system/index.ts'

/** More acts than this of one kind are counted, not shown. */
const SHOWN = 20

/** One paragraph an act: what, why, and, where they are wanted, the bytes before and after. */
export function renderActs(acts: readonly ShownAct[], { bytes = true } = {}): string {
  const lines = acts.slice(0, SHOWN).map((act) => renderAct(act, bytes))
  if (acts.length > SHOWN) lines.push(`  ... and ${acts.length - SHOWN} more (--json shows all)`)
  return lines.join('\n')
}

function renderAct({ what, why, loses, offset, before, after }: ShownAct, bytes: boolean): string {
  const lines = [`${loses ? '! ' : '- '}${what}`, `    ${why}`]
  if (bytes && after !== undefined) {
    lines.push(`    at byte 0x${offset.toString(16)}  before  ${before === '' ? '(behind the end)' : before}`)
    lines.push(`                          after   ${after}`)
  }
  return lines.join('\n')
}
