import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  detectFormat,
  findElement,
  formatPreferences,
  getValue,
  type Machine,
  parsePreferences,
  readVmc,
  readVmcx,
  setMemory,
  setValue,
} from './index.ts'
import { isCmosSumRight } from './vmc/cmos.ts'

/** Real files of the products; see formats.md for where they come from. */
const corpus = process.env.VIVARIUM_CORPUS ?? join(import.meta.dirname, '../../../shared/corpus')
const skip = existsSync(join(corpus, 'vmc')) ? false : 'corpus not here: set VIVARIUM_CORPUS'

function parse(name: string) {
  const bytes = readFileSync(join(corpus, name))
  return { bytes, document: parsePreferences(bytes, name) }
}

const P7 = { name: 'Microsoft Virtual PC 2007', build: '6.0.156.0', product: 'Virtual PC 2007' }
const P7_SP1 = { name: 'Microsoft Virtual PC 2007', build: '6.0.192.0', product: 'Virtual PC 2007 SP1' }
const W7 = { name: 'Virtual PC', build: '6.1.7600.16495', product: 'Windows Virtual PC' }
const disk = (channel: number, unit: number, image: object) =>
  ({ bus: 'ide', channel, unit, kind: 'disk', image }) as const
const cd = (channel: number, unit: number, image?: object) =>
  ({ bus: 'ide', channel, unit, kind: 'cd', ...(image && { image }) }) as const
const network = (id: string, name: string) => ({ kind: 'network', id, name }) as const
const adapter = (mac: string, reference: object) => [{ index: 0, mac, network: reference }]
const MINIOS_MAC = '00:03:ff:d1:19:9d'
const EMPTY_FLOPPY = [{ index: 0 }]
const GUID_MINIOS = '{ECB54F98-BBAF-4DF3-8C52-93926B1FF427}'

/** Read with one's own eyes in each file. */
const FACTS: Record<string, object> = {
  'cosmos-2008-02-07.vmc': {
    memoryMB: 32,
    drives: [
      disk(0, 0, { absolute: 'C:\\source\\Cosmos\\Build\\VPC\\hda.vhd', relative: '.\\hda.vhd' }),
      cd(1, 0, { relative: '..\\Cosmos.iso' }),
    ],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(
      '00:03:ff:89:87:88',
      network('9da6388c-d5d6-11dc-8286-9f7981b495de', 'Intel(R) 82566DC Gigabit Network Connection'),
    ),
    serialPorts: [],
    sound: true,
    guestOs: 'code 9',
    biosGuid: '{8C6ADF71-FE94-40A8-98DF-9EF0B37407D7}',
    creator: P7,
    modifier: P7,
  },
  'minios-2008-11-13.vmc': {
    memoryMB: 128,
    drives: [disk(0, 0, { relative: 'minios.vhd' }), cd(1, 0)],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(
      MINIOS_MAC,
      network('053304eb-3ce5-11dd-8357-a063c4af7349', 'D-Link DFE-530TX PCI Fast Ethernet Adapter (rev.C)'),
    ),
    serialPorts: [],
    sound: true,
    guestOs: 'code 9',
    biosGuid: GUID_MINIOS,
    creator: P7,
    modifier: P7,
  },
  'minios-2008-11-27b.vmc': {
    memoryMB: 64,
    drives: [disk(0, 0, { relative: 'minios.vhd' }), cd(0, 1)],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(
      MINIOS_MAC,
      network('053304eb-3ce5-11dd-8357-a063c4af7349', 'D-Link DFE-530TX PCI Fast Ethernet Adapter (rev.C)'),
    ),
    serialPorts: [],
    sound: true,
    guestOs: 'code 9',
    biosGuid: GUID_MINIOS,
    creator: P7,
    modifier: P7,
  },
  'minios-2008-11-28.vmc': {
    memoryMB: 64,
    drives: [disk(0, 0, { relative: 'minios.vhd' }), cd(0, 1)],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(MINIOS_MAC, { kind: 'nat', id: '01010101-0101-0101-0101-010101010101' }),
    serialPorts: [],
    sound: true,
    guestOs: 'code 9',
    biosGuid: GUID_MINIOS,
    creator: P7,
    modifier: P7,
  },
  'minios-2009-03-27.vmc': {
    memoryMB: 64,
    drives: [disk(0, 0, { relative: 'minios.img' }), cd(0, 1)],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(
      MINIOS_MAC,
      network('053304ea-3ce5-11dd-8357-a063c4af7349', 'Intel(R) 82566DM-2 Gigabit Network Connection'),
    ),
    serialPorts: [],
    sound: true,
    guestOs: 'code 9',
    biosGuid: GUID_MINIOS,
    creator: P7,
    modifier: P7,
  },
  'mosa-2008-12-21.vmc': {
    memoryMB: 128,
    drives: [disk(0, 0, { absolute: 'bootimage.vhd', relative: 'bootimage.vhd' }), cd(1, 0)],
    floppies: EMPTY_FLOPPY,
    adapters: [],
    serialPorts: [],
    sound: false,
    guestOs: 'code 10',
    biosGuid: '{8CFA867F-F796-4056-95F8-7F14CD0C5F58}',
    creator: P7_SP1,
    modifier: P7_SP1,
  },
  'mosa-2009-11-24.vmc': {
    memoryMB: 256,
    drives: [
      disk(0, 0, { absolute: '..\\build\\bootimage.vhd', relative: '..\\build\\bootimage.vhd' }),
      cd(1, 0),
    ],
    floppies: EMPTY_FLOPPY,
    adapters: [],
    serialPorts: [],
    sound: false,
    guestOs: 'code 10',
    biosGuid: '{8CFA867F-F796-4056-95F8-7F14CD0C5F58}',
    creator: P7_SP1,
    modifier: P7_SP1,
  },
  'mosa-2010-05-17-wvpc.vmc': {
    memoryMB: 256,
    drives: [
      disk(0, 0, {
        absolute: 'X:\\MOSA-Project\\Run\\build\\bootimage.vhd',
        relative: '..\\build\\bootimage.vhd',
      }),
      cd(1, 0),
    ],
    floppies: EMPTY_FLOPPY,
    adapters: [],
    serialPorts: [],
    sound: false,
    guestOs: 'code 10',
    biosGuid: '{1B866AAF-9EE7-4DD4-B688-0D6E7AB696CC}',
    creator: P7_SP1,
    modifier: W7,
  },
  'mosa-2010-10-07-wvpc.vmc': {
    memoryMB: 256,
    drives: [disk(0, 0, { absolute: 'bootimage.vhd', relative: 'bootimage.vhd' }), cd(1, 0)],
    floppies: EMPTY_FLOPPY,
    adapters: [],
    serialPorts: [],
    sound: false,
    guestOs: 'code 10',
    biosGuid: '{1B866AAF-9EE7-4DD4-B688-0D6E7AB696CC}',
    creator: P7_SP1,
    modifier: W7,
  },
  'sharpos-2007-12-08a.vmc': {
    memoryMB: 128,
    drives: [],
    floppies: [{ index: 0, image: { relative: '..\\common\\SharpOS.img' } }],
    adapters: [],
    serialPorts: [{ index: 0, kind: 'file', path: '.\\com1.log' }],
    sound: true,
    biosGuid: '{8D92DB72-FFBA-482D-9208-C8CE57C7B539}',
    creator: P7,
    modifier: P7,
  },
  'sharpos-2008-02-03.vmc': {
    memoryMB: 128,
    drives: [
      disk(0, 0, {
        absolute: 'D:\\Dev\\SharpOS\\__trunk_VirtualDisk\\build\\distro\\virtualpc\\hd1.vhd',
        relative: '.\\hd1.vhd',
      }),
      cd(1, 0),
    ],
    floppies: EMPTY_FLOPPY,
    adapters: adapter(
      '00:03:ff:e6:97:c5',
      network(
        'df36471e-b985-11dc-81fc-e3de11264c6c',
        'INPROCOMM IPN2220 Wireless LAN Card - Agnitum firewall miniport',
      ),
    ),
    serialPorts: [{ index: 0, kind: 'pipe', path: '\\\\.\\pipe\\SharpOS' }],
    sound: true,
    biosGuid: '{8D92DB72-FFBA-482D-9208-C8CE57C7B539}',
    creator: P7,
    modifier: P7,
  },
  'techos-2016-12-29.vmc': {
    memoryMB: 10,
    drives: [cd(1, 0)],
    floppies: [
      {
        index: 0,
        image: {
          absolute: 'E:\\Other File\\Folder\\New folder\\TechOSv0.11-master\\disk_images\\techos.ima',
          relative: '..\\disk_images\\techos.ima',
        },
      },
    ],
    adapters: [],
    serialPorts: [],
    sound: true,
    guestOs: 'code 10',
    biosGuid: '{8F452E05-66C1-4228-AE08-A48302A46870}',
    creator: P7_SP1,
    modifier: P7_SP1,
  },
}

test('every machine file of the corpus comes back byte for byte', { skip }, () => {
  const names = [
    ...readdirSync(join(corpus, 'vmc')).map((name) => `vmc/${name}`),
    'quoted/toolmade-loader-minimal-utf8.vmc',
    'quoted/xp-mode-alax-2010.vmcx',
  ]
  assert.equal(names.length, 14)
  for (const name of names) {
    const { bytes, document } = parse(name)
    assert.equal(Buffer.compare(bytes, formatPreferences(document)), 0, name)
  }
})

for (const [name, facts] of Object.entries(FACTS)) {
  test(`the facts of ${name}`, { skip }, () => {
    const { document } = parse(`vmc/${name}`)
    const { machine, problems } = readVmc(document, name.replace('.vmc', ''))
    const expected = {
      name: name.replace('.vmc', ''),
      parallelPort: { kind: 'none' },
      videoMemoryMB: 8,
      undoEnabled: false,
      ...facts,
    }
    assert.deepEqual(machine as Machine, expected)
    assert.equal(detectFormat(document), 'vmc')
    assert.deepEqual(
      problems.filter(({ severity }) => severity !== 'note'),
      [],
    )
    assert.ok(isCmosSumRight(getValue(document, 'hardware/bios/cmos') as Uint8Array))
  })
}

test('a change of one setting in a real file changes its line alone', { skip }, () => {
  for (const name of Object.keys(FACTS)) {
    const { bytes, document } = parse(`vmc/${name}`)
    const before = getValue(document, 'hardware/memory/ram_size') as number
    setMemory(document, 333)
    setValue(document, 'virtual_machines/hw_assist/enable_hw_assist', 'boolean', true)
    setValue(document, 'virtual_machines/hw_assist/enable_hw_assist', 'boolean', false)
    const text = (input: Uint8Array) => new TextDecoder('utf-16le').decode(input)
    const expected = text(bytes)
      .replace(`>${before}</ram_size>`, '>333</ram_size>')
      .replace('>true</enable_hw_assist>', '>false</enable_hw_assist>')
    assert.equal(text(formatPreferences(document)), expected, name)
  }
})

test('a machine file that a tool wrote', { skip }, () => {
  const { document } = parse('quoted/toolmade-loader-minimal-utf8.vmc')
  const { machine, problems } = readVmc(document, 'loader')
  assert.equal(machine.memoryMB, 4096)
  assert.deepEqual(machine.drives, [disk(0, 0, { relative: 'arc.vhd' })])
  assert.deepEqual([machine.adapters, machine.floppies, machine.videoMemoryMB], [[], [], 8])
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['memory-out-of-range', 'encoding', 'written-by-hand'],
  )
})

test('the VMCX of Windows XP Mode', { skip }, () => {
  const { document } = parse('quoted/xp-mode-alax-2010.vmcx')
  const { machine, vmcPath, problems } = readVmcx(document, 'Windows XP Mode')
  const folder = 'C:\\Users\\Roman\\AppData\\Local\\Microsoft\\Windows Virtual PC\\Virtual Machines\\'
  assert.equal(detectFormat(document), 'vmcx')
  assert.equal(machine.memoryMB, 512)
  assert.equal(vmcPath, `${folder}Windows XP Mode.vmc`)
  assert.deepEqual(machine.drives, [disk(0, 0, { absolute: `${folder}Windows XP Mode.vhd` })])
  assert.equal(machine.notes, 'Windows XP Professional in "XP Mode"\nUsername XPMUser, Password XPM User')
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['saved-state'],
  )
  assert.ok(findElement(document, 'secondary_disk1'))
})

test('the fragment of an Options.xml is refused, because it is one', { skip }, () => {
  assert.throws(() => parse('quoted/options-xml-wvpc-fragment.xml'), {
    code: 'preferences-text-outside',
    kind: 'malformed',
  })
})
