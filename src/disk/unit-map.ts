import type { UnitKind, UnitMap } from './layout.ts'

/** Units on a page of the map: 4 KiB of memory, and none as long as all of them are alike. */
const UNITS_PER_PAGE = 16384
const KINDS: readonly UnitKind[] = ['zero', 'data', 'below']
const CODES: Readonly<Record<UnitKind, number>> = { zero: 0, data: 1, below: 2 }

type Page = number | Uint8Array<ArrayBuffer>

/**
 * The kinds of all units of a disk, two bits each. 2 TiB in units of 64 KiB take 8 MiB at the worst, and next to
 * nothing where most of the disk is empty.
 */
export class UnitKinds implements UnitMap {
  readonly unitBytes: number
  readonly count: number
  readonly #pages: Page[]
  #dataCount = 0

  /** All units are `kind` at first. */
  constructor(unitBytes: number, count: number, kind: UnitKind = 'zero') {
    this.unitBytes = unitBytes
    this.count = count
    this.#pages = new Array<Page>(Math.ceil(count / UNITS_PER_PAGE)).fill(CODES[kind])
    if (kind === 'data') this.#dataCount = count
  }

  get dataCount(): number {
    return this.#dataCount
  }

  kindOf(unit: number): UnitKind {
    const page = this.#pages[Math.floor(unit / UNITS_PER_PAGE)]!
    return KINDS[typeof page === 'number' ? page : codeIn(page, unit % UNITS_PER_PAGE)]!
  }

  endOfRun(from: number, kind: UnitKind): number {
    const code = CODES[kind]
    let unit = from
    while (unit < this.count) {
      const index = Math.floor(unit / UNITS_PER_PAGE)
      const page = this.#pages[index]!
      const inPage = unit - index * UNITS_PER_PAGE
      const end = typeof page === 'number' ? pageEnd(page === code, inPage) : endIn(page, inPage, code)
      unit = index * UNITS_PER_PAGE + end
      if (end < UNITS_PER_PAGE) break
    }
    return Math.min(unit, this.count)
  }

  /** Says what the units [first, end) are. Units must not have been `data` before. */
  set(first: number, end: number, kind: UnitKind): void {
    if (kind === 'data') this.#dataCount += end - first
    const code = CODES[kind]
    for (let unit = first; unit < end; ) {
      const index = Math.floor(unit / UNITS_PER_PAGE)
      const start = index * UNITS_PER_PAGE
      const upTo = Math.min(end, start + UNITS_PER_PAGE, this.count)
      const page = this.#pages[index]!
      const whole = unit === start && upTo === Math.min(start + UNITS_PER_PAGE, this.count)
      if (whole) this.#pages[index] = code
      else if (page !== code) fill(this.#opened(index), unit - start, upTo - start, code)
      unit = upTo
    }
  }

  #opened(index: number): Uint8Array {
    const page = this.#pages[index]!
    if (typeof page !== 'number') return page
    const bytes = new Uint8Array(UNITS_PER_PAGE / 4).fill(page * 0x55)
    this.#pages[index] = bytes
    return bytes
  }
}

function codeIn(page: Uint8Array, unit: number): number {
  return (page[unit >>> 2]! >>> ((unit & 3) * 2)) & 3
}

function pageEnd(same: boolean, unit: number): number {
  return same ? UNITS_PER_PAGE : unit
}

function endIn(page: Uint8Array, from: number, code: number): number {
  const four = code * 0x55
  let unit = from
  while (unit < UNITS_PER_PAGE) {
    if ((unit & 3) === 0 && page[unit >>> 2] === four) unit += 4
    else if (codeIn(page, unit) === code) unit++
    else break
  }
  return unit
}

function fill(page: Uint8Array, first: number, end: number, code: number): void {
  for (let unit = first; unit < end; unit++) {
    if ((unit & 3) === 0 && unit + 4 <= end) {
      page[unit >>> 2] = code * 0x55
      unit += 3
      continue
    }
    const shift = (unit & 3) * 2
    page[unit >>> 2] = (page[unit >>> 2]! & ~(3 << shift)) | (code << shift)
  }
}

export interface UnitRun {
  readonly first: number
  readonly end: number
  readonly kind: UnitKind
}

/** Units [from, to) of the map as runs of one kind, in order, without gaps; all of them when it is not said. */
export function* unitRuns(map: UnitMap, from = 0, to = map.count): Generator<UnitRun> {
  for (let first = from; first < to; ) {
    const kind = map.kindOf(first)
    const end = Math.min(to, map.endOfRun(first, kind))
    yield { first, end, kind }
    first = end
  }
}
