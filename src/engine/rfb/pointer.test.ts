import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Pointer } from './pointer.ts'

function pointer() {
  const moves: [number, number][] = []
  const told: string[] = []
  const sink = {
    move: (dx: number, dy: number) => moves.push([dx, dy]),
    place: () => {},
    buttons: (...pressed: boolean[]) => told.push(pressed.map(Number).join('')),
    wheel: (notch: number) => told.push(`wheel ${notch}`),
  }
  return { moves, told, pointer: new Pointer(sink as never) }
}

test('inside the screen the moves add up to the distance, in steps that a packet can hold', () => {
  const inside = fc.tuple(fc.integer({ min: 1, max: 798 }), fc.integer({ min: 1, max: 598 }))
  fc.assert(
    fc.property(inside, inside, ([x0, y0], [x1, y1]) => {
      const { moves, pointer: mouse } = pointer()
      mouse.event(x0, y0, 0, 800, 600)
      mouse.event(x1, y1, 0, 800, 600)
      assert.equal(
        moves.reduce((sum, [dx]) => sum + dx, 0),
        x1 - x0,
      )
      assert.equal(
        moves.reduce((sum, [, dy]) => sum + dy, 0),
        y1 - y0,
      )
      for (const step of moves.flat()) assert.ok(Math.abs(step) <= 127)
    }),
  )
})

test('at an edge the mouse goes on for a whole screen', () => {
  const { moves, pointer: mouse } = pointer()
  mouse.event(100, 100, 0, 800, 600)
  mouse.event(0, 100, 0, 800, 600)
  assert.equal(
    moves.reduce((sum, [dx]) => sum + dx, 0),
    -800,
  )
})

test('buttons are told when they change, the wheel at each notch', () => {
  const { told, pointer: mouse } = pointer()
  mouse.event(5, 5, 1, 800, 600)
  mouse.event(6, 5, 1, 800, 600)
  mouse.event(6, 5, 4, 800, 600)
  mouse.event(6, 5, 8, 800, 600)
  mouse.event(6, 5, 0, 800, 600)
  mouse.event(6, 5, 16, 800, 600)
  assert.deepEqual(told, ['100', '001', '000', 'wheel 1', 'wheel -1'])
})
