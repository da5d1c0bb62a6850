/** A still picture: R, G, B, A bytes, row by row from the top left. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** width * height * 4 bytes. */
  readonly rgba: Uint8Array
}

/** Makes a picture fit into a box by averaging (box filter); one that fits already is returned as it is. */
export function scaleDown(picture: Picture, maxWidth: number, maxHeight: number): Picture {
  const factor = Math.min(maxWidth / picture.width, maxHeight / picture.height, 1)
  if (factor === 1) return picture
  const width = Math.max(1, Math.round(picture.width * factor))
  const height = Math.max(1, Math.round(picture.height * factor))
  const narrow = averageColumns(picture, width)
  return { width, height, rgba: averageRows(narrow, width, picture.height, height) }
}

/** Which source pixels a target pixel covers, with the share of each: shares of one target add up to 1. */
function coverage(from: number, to: number): { first: number; shares: number[] }[] {
  const step = from / to
  return Array.from({ length: to }, (_, target) => {
    const start = target * step
    const end = Math.min(from, start + step)
    const first = Math.floor(start)
    const shares: number[] = []
    for (let i = first; i < end; i++) shares.push((Math.min(end, i + 1) - Math.max(start, i)) / step)
    return { first, shares }
  })
}

function averageColumns({ width: from, height, rgba }: Picture, to: number): Float32Array {
  const columns = coverage(from, to)
  const out = new Float32Array(to * height * 4)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (const { first, shares } of columns) {
      let source = (y * from + first) * 4
      for (const share of shares) {
        for (let channel = 0; channel < 4; channel++) out[at + channel]! += rgba[source + channel]! * share
        source += 4
      }
      at += 4
    }
  }
  return out
}

function averageRows(columns: Float32Array, width: number, from: number, to: number): Uint8Array {
  const out = new Uint8Array(width * to * 4)
  const sums = new Float32Array(width * 4)
  for (const [y, { first, shares }] of coverage(from, to).entries()) {
    sums.fill(0)
    for (const [index, share] of shares.entries()) {
      const row = (first + index) * width * 4
      for (let i = 0; i < sums.length; i++) sums[i]! += columns[row + i]! * share
    }
    for (let i = 0; i < sums.length; i++) out[y * width * 4 + i] = Math.round(sums[i]!)
  }
  return out
}
