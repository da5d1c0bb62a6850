import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asciiBytes } from '../base/index.ts'
import { detectFormat } from './detect.ts'
import { FOREIGN_HEAD_BYTES, nameForeignFile, nameForeignRoot } from './foreign.ts'
import { parsePreferences } from './preferences/parse.ts'

const detect = (text: string, name?: string) =>
  detectFormat(parsePreferences(new TextEncoder().encode(text), 'x'), name)
const inside = (text: string) => `<preferences>${text}</preferences>`

test('the content tells the kind, whatever the file is called', () => {
  assert.equal(detect(inside('<hardware/>'), 'options.xml'), 'vmc')
  assert.equal(detect('<vm_description/>', 'a.vmc'), 'vmcx')
  assert.equal(
    detect(inside('<virtual_networks><virtual_gateway id="0"/></virtual_networks>'), 'a.vmc'),
    'options',
  )
  assert.equal(detect(inside('<idle_timeout type="integer">30</idle_timeout>')), 'options')
  assert.equal(detect(inside('<a><virtual_network id="0"/><virtual_network id="1"/></a>')), 'options')
  assert.equal(detect(inside('<virtual_server><dhcp/></virtual_server>'), 'a.vmc'), 'vnc')
  assert.equal(detect(inside('<virtual_network/>')), 'vnc')
  assert.equal(detect(inside('<virtual_machines/>')), 'vmc')
})

test('a file that says too little goes by its name', () => {
  assert.equal(detect(inside(''), '/a/b.VMC'), 'vmc')
  assert.equal(detect(inside(''), 'b.vpcbackup'), 'vmc')
  assert.equal(detect(inside(''), 'b.vnc'), 'vnc')
  assert.equal(detect(inside(''), '/a/Options.xml'), 'options')
  assert.equal(detect(inside(''), 'b.xml'), undefined)
  assert.equal(detect('<Envelope/>', 'b.vmc'), undefined)
})

test('files that are often mistaken for machine files have names', () => {
  const named = (head: string | Uint8Array, tail = '') =>
    nameForeignFile(typeof head === 'string' ? asciiBytes(head) : head, asciiBytes(tail))?.what
  assert.match(named('conectix')!, /VHD/)
  assert.match(named('\0\0', 'conectix')!, /VHD/)
  assert.match(named('\0\0', '\0conectix')!, /VHD/, 'the footer of 511 bytes')
  assert.match(named('vhdxfile')!, /VHDX/)
  assert.match(named('KDMV')!, /VMDK/)
  assert.match(named(`${'x'.repeat(64)}\x7f\x10\xda\xbe`)!, /VDI/)
  assert.match(named(Uint8Array.of(0x14, 0x20, 0x28, 0x01, 0))!, /Hyper-V/)
  assert.match(named('L\0\0\0\x01\x14\x02\0')!, /shortcut/)
  assert.match(named('PK\x03\x04')!, /ZIP/)
  assert.match(named('BZh91AY&SY')!, /bzip2/)
  assert.match(named('\x1f\x8b\x08\x08')!, /gzip/)
  assert.equal(named('BZh91 is no archive'), undefined)
  assert.match(named('.encoding = "windows-1252"\nconfig.version = "8"')!, /VMX/)
  const iso = new Uint8Array(FOREIGN_HEAD_BYTES)
  iso.set(asciiBytes('CD001'), 0x8001)
  assert.match(named(iso)!, /CD/)
  assert.equal(named('\xff\xfe<\0?\0x\0m\0l\0'), undefined)
  assert.equal(named(''), undefined)
  assert.equal(named('#\n'.repeat(20_000)), undefined)
  assert.match(nameForeignRoot('ovf:Envelope'), /OVF/)
  assert.match(nameForeignRoot('other'), /<other>/)
})
