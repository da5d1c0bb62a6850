import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { diskFormats } from '../../src/disk/index.ts'
import { endWorkers, fuzz } from '../fuzz/fuzz.ts'
import { protocols } from '../fuzz/protocols/index.ts'

/** A small part of `npm run fuzz`, with another seed each day; a failure says how to repeat it. */
const COUNT = Number(process.env.VIVARIUM_FUZZ_COUNT ?? 6000)
const seed = Math.floor(Date.now() / 86_400_000)

after(endWorkers)

for (const { name } of diskFormats) {
  test(`${COUNT} damaged ${name} images are opened or refused, in bounded time and memory`, async () => {
    const [result] = await fuzz({ formats: [name], count: COUNT, seed })
    assert.deepEqual(result!.failures, [])
    assert.equal(result!.images, COUNT)
  })
}

for (const name of protocols) {
  test(`${COUNT} hostile conversations in ${name} crash nothing, hang nothing and are not amplified`, async () => {
    const [result] = await fuzz({ formats: [name], count: COUNT, seed })
    assert.deepEqual(result!.failures, [])
    assert.equal(result!.images, COUNT)
  })
}
