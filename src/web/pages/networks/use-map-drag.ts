import { type PointerEvent, useState } from 'react'
import type { Adapter } from '../../../api/index.ts'
import { type Band, bandAt, type MapLayout, type Station } from './map-layout.ts'

interface Drag {
  readonly adapter: Adapter
  /** Where it was taken, and where it is, in the drawing's pixels. */
  readonly from: { readonly x: number; readonly y: number }
  readonly at: { readonly x: number; readonly y: number }
  readonly moved: boolean
}

/** So far a hand may shake on a click. */
const CLICK_PIXELS = 5

/** Takes a station with the pointer: let go over another band it moves there, let go where it was it is a click. */
export function useMapDrag(
  layout: MapLayout,
  onMove: (adapter: Adapter, band: Band) => void,
  onClick: (adapter: Adapter) => void,
) {
  const [drag, setDrag] = useState<Drag>()
  const over = drag?.moved ? bandAt(layout, drag.at.y) : undefined
  const target = over?.network?.key === drag?.adapter.network ? undefined : over
  return {
    dragged: drag?.moved ? drag : undefined,
    target,
    take: (station: Station) => (event: PointerEvent<SVGElement>) => {
      if (event.button !== 0) return
      event.preventDefault()
      const at = pointIn(event)
      setDrag({ adapter: station.adapter, from: at, at, moved: false })
      event.currentTarget.ownerSVGElement?.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent<SVGElement>) => {
      if (drag === undefined) return
      const at = pointIn(event)
      const far = Math.hypot(at.x - drag.from.x, at.y - drag.from.y) > CLICK_PIXELS
      setDrag({ ...drag, at, moved: drag.moved || far })
    },
    onPointerUp: () => {
      if (drag === undefined) return
      setDrag(undefined)
      if (!drag.moved) onClick(drag.adapter)
      else if (target !== undefined) onMove(drag.adapter, target)
    },
    onPointerCancel: () => setDrag(undefined),
  }
}

/** The drawing is as large as its box, so one unit of it is one pixel. */
function pointIn(event: PointerEvent<SVGElement>): { x: number; y: number } {
  const svg = event.currentTarget.ownerSVGElement ?? event.currentTarget
  const box = svg.getBoundingClientRect()
  return { x: event.clientX - box.left, y: event.clientY - box.top }
}
