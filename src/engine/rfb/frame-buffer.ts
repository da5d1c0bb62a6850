import type { Picture } from './picture.ts'

/** A live screen. Width and height change with the guest's mode, and `rgba` is then another array. */
export interface FrameBuffer extends Picture {
  /** Counts up whenever pixels or size may have changed; an unchanged number means an unchanged picture. */
  readonly generation: number
  /** Brings the pixels up to date. */
  refresh(): void
}

export interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export function intersect(a: Rectangle, b: Rectangle): Rectangle | undefined {
  const x = Math.max(a.x, b.x)
  const y = Math.max(a.y, b.y)
  const width = Math.min(a.x + a.width, b.x + b.width) - x
  const height = Math.min(a.y + a.height, b.y + b.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}
