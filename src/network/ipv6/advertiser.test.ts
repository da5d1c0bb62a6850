import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { scriptedClock } from '../testing.ts'
import { Advertiser } from './advertiser.ts'

function advertiserTest(intervalSeconds = 600, random: () => number = () => 0.5) {
  const clock = scriptedClock(0)
  const times: number[] = []
  const advertise = () => times.push(clock.now())
  return { clock, times, advertiser: new Advertiser({ clock, intervalSeconds, random, advertise }) }
}

test('the first three come soon, the others in their interval, never in step', () => {
  const draws = [0, 0.999, 0.5]
  let draw = 0
  const { clock, times } = advertiserTest(600, () => draws[draw++ % draws.length]!)
  clock.pass(2_000_000)
  const gaps = times.slice(1).map((time, index) => time - times[index]!)
  assert.equal(times[0], 0)
  assert.deepEqual(gaps.slice(0, 2), [16_000, 16_000])
  assert.deepEqual(gaps.slice(2, 5), [400_000, 200_000, 599_600])
})

test('who asks is answered within half a second, and starts the interval anew', () => {
  const { clock, times, advertiser } = advertiserTest()
  clock.pass(100_000)
  times.length = 0
  advertiser.solicited()
  assert.deepEqual(times, [])
  clock.pass(500)
  assert.deepEqual(times, [100_250])
  clock.pass(399_749)
  assert.equal(times.length, 1)
  clock.pass(1)
  assert.equal(times.length, 2)
})

test('however many ask, advertisements keep three seconds between them, and everybody gets one', () => {
  const question = fc.integer({ min: 0, max: 2000 })
  fc.assert(
    fc.property(
      fc.array(question, { maxLength: 200 }),
      fc.integer({ min: 4, max: 1800 }),
      (waits, interval) => {
        const { clock, times, advertiser } = advertiserTest(interval, Math.random)
        for (const wait of waits) {
          clock.pass(wait)
          advertiser.solicited()
        }
        const last = clock.now()
        clock.pass(3500)
        assert.ok(times.at(-1)! >= last)
        for (let index = 1; index < times.length; index++) {
          const gap = times[index]! - times[index - 1]!
          assert.ok(gap >= 3000 && gap <= interval * 1000, `${gap}`)
        }
      },
    ),
  )
})

test('once closed it is silent', () => {
  const { clock, times, advertiser } = advertiserTest()
  clock.pass(0)
  advertiser.solicited()
  advertiser.close()
  clock.pass(5_000_000)
  assert.equal(times.length, 1)
})
