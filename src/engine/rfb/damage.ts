import { intersect, type Rectangle } from './frame-buffer.ts'
import type { Picture } from './picture.ts'

/** Pixels. A text cell is 9 x 16, a line of text 720 wide: one changed letter costs one or two tiles. */
const TILE_WIDTH = 64
const TILE_HEIGHT = 16

/**
 * What a client has on its screen. Compared with the live picture it tells what to send, whoever changed it and
 * however often: nobody has to report damage, and a slow client skips the frames in between.
 */
export class Shadow {
  #pixels = new Uint32Array(0)
  #width = 0
  #height = 0

  /** Takes on another size; everything counts as different from now on. */
  resize(width: number, height: number): void {
    this.#width = width
    this.#height = height
    // Live pixels are opaque, so a pixel of 0 equals none of them.
    this.#pixels = new Uint32Array(width * height)
  }

  /** Forgets a region: it will be sent again. */
  forget(region: Rectangle): void {
    const { x, y, width, height } = this.#inside(region)
    for (let row = y; row < y + height; row++)
      this.#pixels.fill(0, row * this.#width + x, row * this.#width + x + width)
  }

  /** The rectangles of a region that differ from the picture; the shadow has them afterwards. */
  update(picture: Picture, region: Rectangle): Rectangle[] {
    const live = new Uint32Array(picture.rgba.buffer, picture.rgba.byteOffset, picture.width * picture.height)
    const common = { x: 0, y: 0, width: picture.width, height: picture.height }
    const { x, y, width, height } = intersect(this.#inside(region), common) ?? EMPTY
    const changed: Rectangle[] = []
    let above: Rectangle[] = []
    for (let top = y; top < y + height; top += TILE_HEIGHT) {
      const band = { x, y: top, width, height: Math.min(TILE_HEIGHT, y + height - top) }
      const runs = this.#changedRuns(live, picture.width, band)
      above = joinBands(changed, above, runs)
    }
    return changed
  }

  #inside(region: Rectangle): Rectangle {
    return intersect(region, { x: 0, y: 0, width: this.#width, height: this.#height }) ?? EMPTY
  }

  #changedRuns(live: Uint32Array, stride: number, band: Rectangle): Rectangle[] {
    const runs: Rectangle[] = []
    for (let left = band.x; left < band.x + band.width; left += TILE_WIDTH) {
      const tile = { ...band, x: left, width: Math.min(TILE_WIDTH, band.x + band.width - left) }
      if (!this.#takeTile(live, stride, tile)) continue
      const last = runs.at(-1)
      if (last && last.x + last.width === left)
        runs[runs.length - 1] = { ...last, width: last.width + tile.width }
      else runs.push(tile)
    }
    return runs
  }

  /** Copies a tile when it differs. */
  #takeTile(live: Uint32Array, stride: number, { x, y, width, height }: Rectangle): boolean {
    let different = false
    for (let row = y; row < y + height; row++) {
      const from = row * stride + x
      const to = row * this.#width + x
      if (!different) {
        let i = 0
        while (i < width && live[from + i] === this.#pixels[to + i]) i++
        different = i < width
        // Rows above the first difference are equal already.
        if (!different) continue
      }
      this.#pixels.set(live.subarray(from, from + width), to)
    }
    return different
  }
}

const EMPTY: Rectangle = { x: 0, y: 0, width: 0, height: 0 }

/** Adds a band's runs to the list, or makes the band above taller when both have the same runs. */
function joinBands(all: Rectangle[], above: Rectangle[], runs: Rectangle[]): Rectangle[] {
  const same =
    runs.length === above.length &&
    runs.every((run, index) => {
      const upper = above[index]!
      return upper.x === run.x && upper.width === run.width && upper.y + upper.height === run.y
    })
  if (!same || runs.length === 0) {
    all.push(...runs)
    return runs
  }
  const taller = above.map((upper, index) => ({ ...upper, height: upper.height + runs[index]!.height }))
  all.splice(all.length - above.length, above.length, ...taller)
  return taller
}
