import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  formatIpv4,
  formatMac,
  parseIpv4,
  parseMac,
  readMac,
  readUint32,
  writeMac,
  writeUint32,
} from './addresses.ts'

const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff })
const ipv4 = fc.integer({ min: 0, max: 0xffff_ffff })

test('addresses survive text and bytes', () => {
  fc.assert(
    fc.property(mac, ipv4, (someMac, address) => {
      assert.equal(parseMac(formatMac(someMac)), someMac)
      assert.equal(parseIpv4(formatIpv4(address)), address)
      const bytes = new Uint8Array(12)
      writeMac(bytes, 1, someMac)
      writeUint32(bytes, 8, address)
      assert.equal(readMac(bytes, 1), someMac)
      assert.equal(readUint32(bytes, 8), address)
    }),
  )
})

test('the usual spellings of a MAC are read, others are not', () => {
  for (const text of ['00:03:ff:12:34:56', '00-03-FF-12-34-56', '0003FF123456'])
    assert.equal(parseMac(text), 0x0003_ff12_3456)
  for (const text of ['', '00:03:ff:12:34', '00:03:ff:12:34:5g', '00:03-ff:12:34:56', '0003ff1234567'])
    assert.equal(parseMac(text), undefined)
})

test('an IPv4 address has four plain decimal numbers', () => {
  assert.equal(parseIpv4('10.244.0.16'), 0x0af4_0010)
  for (const text of [
    '',
    '10.244.0',
    '10.244.0.256',
    '10.244.0.016',
    '10.244.0.1 ',
    '0x0a.1.1.1',
    '1.2.3.4.5',
    '-1.2.3.4',
  ])
    assert.equal(parseIpv4(text), undefined, text)
})
