import assert from 'node:assert/strict'
import { test } from 'node:test'
import { framesOf, runOf } from '../framing.ts'
import { type ScriptedClock, scriptedClock, textFrame, textOf } from '../testing.ts'
import { Line } from './line.ts'
import { type Conditions, conditionsSchema } from './settings.ts'

/** A line whose deliveries are noted as "milliseconds: frames". */
function line(conditions: Partial<Conditions>, clock: ScriptedClock = scriptedClock(0)) {
  const heard: [at: number, texts: string[]][] = []
  const sent = new Line(conditionsSchema.parse({ seed: 1, ...conditions }), clock, (run, frames) => {
    const texts = [...framesOf(run)].map(textOf)
    assert.equal(texts.length, frames)
    heard.push([clock.now(), texts])
  })
  const push = (...texts: readonly string[]) =>
    sent.push(runOf(...texts.map((text) => textFrame(1, 2, text))))
  return { clock, heard, push, texts: () => heard.flatMap(([, texts]) => texts) }
}

test('a delay keeps order and runs together; one timer serves all that wait', () => {
  const { clock, heard, push } = line({ delayMs: 20 })
  push('a', 'b')
  clock.pass(5)
  push('c')
  clock.pass(14)
  assert.deepEqual(heard, [])
  clock.pass(100)
  assert.deepEqual(heard, [
    [20, ['a', 'b']],
    [25, ['c']],
  ])
})

test('jitter spreads arrivals and keeps the order', () => {
  const { clock, heard, push, texts } = line({ delayMs: 20, jitterMs: 15 })
  const sent = Array.from({ length: 50 }, (_, index) => String(index))
  for (const text of sent) {
    push(text)
    clock.pass(1)
  }
  clock.pass(100)
  assert.deepEqual(texts(), sent)
  const delays = heard.flatMap(([at, frames]) => frames.map((text) => at - Number(text)))
  assert.ok(delays.every((delay) => delay >= 5 && delay <= 35))
  assert.ok(new Set(delays.map(Math.round)).size > 3)
})

test('loss takes the asked part, the same frames for the same seed', () => {
  const fates = [1, 1, 2].map((seed) => {
    const { clock, push, texts } = line({ lossPercent: 30, seed })
    let lost = 0
    for (let frame = 0; frame < 1000; frame++) lost += push(String(frame))
    clock.pass(1)
    assert.equal(texts().length, 1000 - lost)
    assert.ok(lost > 230 && lost < 370)
    return texts().join()
  })
  assert.equal(fates[0], fates[1])
  assert.notEqual(fates[0], fates[2])
})

test('a rate lets through what it says, and its full queue loses the rest', () => {
  // 1 Mbit/s are 125 bytes a millisecond; the frames have 1000.
  const { clock, push, texts } = line({ rateMbps: 1, queueBytes: 10_000 })
  const text = 'x'.repeat(986)
  let lost = 0
  for (let frame = 0; frame < 20; frame++) lost += push(text)
  assert.equal(lost, 10)
  clock.pass(40)
  assert.equal(texts().length, 5)
  clock.pass(1000)
  assert.equal(texts().length, 10)
})

test('reordered frames arrive late and once, duplicates twice', () => {
  const late = line({ reorderPercent: 20 })
  const sent = Array.from({ length: 100 }, (_, index) => String(index))
  for (const text of sent) {
    late.push(text)
    late.clock.pass(1)
  }
  late.clock.pass(10)
  assert.notDeepEqual(late.texts(), sent)
  assert.deepEqual(
    late.texts().toSorted((left, right) => Number(left) - Number(right)),
    sent,
  )
  const twice = line({ duplicatePercent: 100 })
  twice.push('a')
  twice.clock.pass(1)
  assert.deepEqual(twice.texts(), ['a', 'a'])
})

test('a closed line delivers nothing more and says what it held', () => {
  const clock = scriptedClock(0)
  let heard = 0
  const closed = new Line(conditionsSchema.parse({ delayMs: 10 }), clock, () => heard++)
  closed.push(runOf(textFrame(1, 2, 'a'), textFrame(1, 2, 'b')))
  assert.equal(closed.close(), 2)
  clock.pass(100)
  assert.equal(heard, 0)
})
