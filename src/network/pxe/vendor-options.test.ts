import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toHex } from '../../base/index.ts'
import { pxeOptionsSchema } from './settings.ts'
import { bootItemOption, menuOption, readBootItem } from './vendor-options.ts'

const { romMenu } = pxeOptionsSchema.parse({
  folder: '/boot',
  romMenu: {
    prompt: 'F8',
    timeoutSeconds: 3,
    items: [
      { title: 'Local' },
      { title: 'Linux', file: 'a' },
      { title: 'RIS', file: 'b', server: '10.0.0.9' },
    ],
  },
})

test('a menu in option 43, tag by tag (PXE 2.1, table 2-1)', () => {
  const addresses = [0, 0x0a00_0001, 0x0a00_0009]
  assert.equal(
    toHex(menuOption(romMenu!, (index) => addresses[index]!)),
    [
      '060107', // discovery: no broadcast, no multicast, listed servers only
      '080e', // servers
      '8001010a000001',
      '8002010a000009',
      '0916', // menu
      '0000054c6f63616c', // local boot
      '8001054c696e7578',
      '800203524953',
      '0a03034638', // 3 seconds
      'ff',
    ].join(''),
  )
})

test('the chosen item is written and read; damaged ones are none', () => {
  const item = { type: 0x8001, layer: 0 }
  const bytes = bootItemOption(item)
  assert.deepEqual(readBootItem(bytes), item)
  assert.equal(readBootItem(bytes.subarray(0, 4)), undefined)
  assert.equal(readBootItem(undefined), undefined)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (any) => {
      const found = readBootItem(any)
      return found === undefined || (found.type <= 0xffff && found.layer <= 0xffff)
    }),
  )
})
