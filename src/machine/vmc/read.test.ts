import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { VivariumError } from '../../base/index.ts'
import { cases } from '../../base/testing.ts'
import { formatPreferences } from '../preferences/format.ts'
import { parsePreferences } from '../preferences/parse.ts'
import { createVmc } from './create.ts'
import { readVmc } from './read.ts'

/** A document with the given XML under `hardware` and `settings`. */
function read(hardware: string, settings = '') {
  const memory = hardware.includes('<memory>')
    ? ''
    : '<memory><ram_size type="integer">64</ram_size></memory>'
  const text = `<preferences><hardware>${memory}${hardware}</hardware><settings>${settings}</settings></preferences>`
  const { machine, problems } = readVmc(parsePreferences(new TextEncoder().encode(text), 'a.vmc'), 'a')
  const usual = new Set(['encoding', 'written-by-hand'])
  const own = problems.filter(({ code }) => !usual.has(code))
  return { machine, problems: own.map(({ code, severity }) => `${severity} ${code}`), all: own }
}

const leaf = (name: string, type: string, value: unknown) => `<${name} type="${type}">${value}</${name}>`
const path = (absolute: string, relative = '') =>
  `<pathname>${leaf('absolute', 'string', absolute)}${leaf('relative', 'string', relative)}</pathname>`
const location = (id: number | string, type: number, image = '', more = '') =>
  `<location id="${id}">${leaf('drive_type', 'integer', type)}${path(image)}${more}</location>`
const ide = (...controllers: string[]) =>
  `<pci_bus><ide_adapter>${controllers.map((text, id) => `<ide_controller id="${id}">${text}</ide_controller>`).join('')}</ide_adapter></pci_bus>`
const adapters = (count: number | undefined, ...macs: string[]) =>
  `<pci_bus><ethernet_adapter>${count === undefined ? '' : leaf('controller_count', 'integer', count)}${macs
    .map(
      (mac, id) =>
        `<ethernet_controller id="${id}">${leaf('ethernet_card_address', 'bytes', mac)}</ethernet_controller>`,
    )
    .join('')}</ethernet_adapter></pci_bus>`

test('an empty document is a machine with the usual settings', () => {
  const document = parsePreferences(new TextEncoder().encode('<preferences/>'), 'a.vmc')
  const { machine, problems } = readVmc(document, 'a')
  assert.deepEqual(machine, {
    name: 'a',
    memoryMB: 128,
    drives: [],
    floppies: [],
    adapters: [],
    serialPorts: [],
    parallelPort: { kind: 'none' },
    sound: true,
    videoMemoryMB: 8,
    undoEnabled: false,
  })
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['memory-missing', 'encoding', 'written-by-hand'],
  )
})

test('memory outside 4 to 3712 MB is told', () => {
  const memory = (mb: number) => read(`<memory>${leaf('ram_size', 'integer', mb)}</memory>`).problems
  assert.deepEqual(memory(3), ['error memory-out-of-range'])
  assert.deepEqual(memory(4), [])
  assert.deepEqual(memory(3712), [])
  assert.deepEqual(memory(3713), ['warning memory-out-of-range'])
})

test('drives: kinds, host drives, disks without an image', () => {
  const { machine, problems } = read(
    ide(
      location(0, 1, 'C:\\a.vhd') + location(1, 2, 'D'),
      location(0, 1) + location(1, 1, '\\\\.\\PhysicalDrive1'),
    ),
  )
  assert.deepEqual(machine.drives, [
    { bus: 'ide', channel: 0, unit: 0, kind: 'disk', image: { absolute: 'C:\\a.vhd' } },
    { bus: 'ide', channel: 0, unit: 1, kind: 'cd', hostDrive: 'D' },
    { bus: 'ide', channel: 1, unit: 0, kind: 'disk' },
    { bus: 'ide', channel: 1, unit: 1, kind: 'disk', hostDrive: '\\\\.\\PhysicalDrive1' },
  ])
  assert.deepEqual(problems, ['warning host-drive', 'error disk-without-image', 'error host-disk'])
})

test('drives: what no machine can have is left out and told', () => {
  const { machine, problems } = read(
    ide(
      location(0, 1, 'a.vhd') +
        location(0, 1, 'b.vhd') +
        location(2, 1, 'c.vhd') +
        location('x', 2) +
        location(1, 7),
    ),
  )
  assert.deepEqual(
    machine.drives.map(({ image }) => image?.absolute),
    ['a.vhd'],
  )
  assert.deepEqual(problems, [
    'warning position-twice',
    'warning position-invalid',
    'warning position-invalid',
    'warning drive-type',
  ])
})

test('drives: without a type the file name tells, and leftovers of an empty place do not count', () => {
  const bare = (id: number, file: string) => `<location id="${id}">${path(file)}</location>`
  const { machine } = read(ide(bare(0, 'a.img') + bare(1, 'b.ISO'), location(0, 0, 'old.vhd')))
  assert.deepEqual(
    machine.drives.map(({ kind }) => kind),
    ['disk', 'cd'],
  )
})

test('SCSI drives are read, and said to be beyond us', () => {
  const scsi = `<pci_bus><scsi_adapter><scsi_controller id="0">${location(6, 1, 'a.vhd')}</scsi_controller></scsi_adapter></pci_bus>`
  const { machine, problems } = read(scsi)
  assert.deepEqual(machine.drives, [
    { bus: 'scsi', channel: 0, unit: 6, kind: 'disk', image: { absolute: 'a.vhd' } },
  ])
  assert.deepEqual(problems, ['warning scsi-drive'])
})

test('adapters: the count rules, and without one the controllers', () => {
  const fitted = (count: number | undefined, ...macs: string[]) => {
    const { machine, problems } = read(adapters(count, ...macs))
    return [machine.adapters.map(({ mac }) => mac), problems]
  }
  assert.deepEqual(fitted(0, '0003FF000001'), [[], ['note adapter-off']])
  assert.deepEqual(fitted(undefined, '0003FF000001'), [['00:03:ff:00:00:01'], []])
  assert.deepEqual(fitted(2, '0003FF000001'), [
    ['00:03:ff:00:00:01', undefined],
    ['warning adapter-without-settings'],
  ])
  const [macs, problems] = fitted(0xffffffff)
  assert.deepEqual(macs, [undefined, undefined, undefined, undefined])
  assert.deepEqual(problems, ['warning adapter-without-settings', 'warning too-many-adapters'])
})

test('adapters: addresses that cannot be are left out and told', () => {
  const { machine, problems } = read(adapters(4, '0003FF0000', '000000000000', '0103FF000001', 'xyz'))
  assert.deepEqual(
    machine.adapters.map(({ mac }) => mac),
    [undefined, undefined, undefined, undefined],
  )
  assert.deepEqual(problems, [
    'warning mac-invalid',
    'note mac-null',
    'warning mac-invalid',
    'warning key-invalid',
  ])
  assert.deepEqual(read(adapters(2, '0003FF000001', '0003FF000001')).problems, ['warning mac-twice'])
})

test('networks: NAT by its id, others by id and name, none otherwise', () => {
  const networks = (group: string) =>
    read(
      `<pci_bus><ethernet_adapter><ethernet_controller id="0">${group}</ethernet_controller></ethernet_adapter></pci_bus>`,
    )
  const network = (id: string, name: string) =>
    networks(`<virtual_network>${leaf('id', 'bytes', id)}${leaf('name', 'string', name)}</virtual_network>`)
  assert.deepEqual(network('01'.repeat(16), '').machine.adapters[0]!.network, {
    kind: 'nat',
    id: '01010101-0101-0101-0101-010101010101',
  })
  const other = network(`9DA6388C${'0'.repeat(24)}`, 'Local only')
  assert.deepEqual(other.machine.adapters[0]!.network, {
    kind: 'network',
    id: '9da6388c-0000-0000-0000-000000000000',
    name: 'Local only',
  })
  assert.deepEqual(other.problems, ['note network-of-other-host'])
  assert.deepEqual(networks('').machine.adapters[0]!.network, { kind: 'none' })
  assert.deepEqual(network('00'.repeat(16), '').machine.adapters[0]!.network, { kind: 'none' })
  assert.deepEqual(network('0102', '').problems, ['warning network-id'])
})

test('ports: the codes of the file, and only the path that fits the type', () => {
  const port = (id: number, type: number) =>
    `<serial_port id="${id}">${leaf('port_type', 'integer', type)}${leaf('text_file_path', 'string', 'a.log')}${leaf('pipe_name', 'string', '\\\\.\\pipe\\a')}</serial_port>`
  const ports = (...types: number[]) => {
    const { machine, problems } = read(
      `<super_io>${types.map((type, id) => port(id, type)).join('')}</super_io>`,
    )
    return [machine.serialPorts.map(({ kind, path }) => [kind, path]), problems]
  }
  assert.deepEqual(ports(0, 1), [
    [
      ['none', undefined],
      ['host', undefined],
    ],
    ['warning port-of-host'],
  ])
  assert.deepEqual(ports(2, 3), [
    [
      ['file', 'a.log'],
      ['pipe', '\\\\.\\pipe\\a'],
    ],
    ['note port-to-file'],
  ])
  assert.deepEqual(ports(9), [[['none', undefined]], ['warning port-type']])
  assert.deepEqual(ports(0, 0, 3)[1], ['warning position-invalid'])
  const parallel = read(
    `<super_io><parallel_port>${leaf('port_type', 'integer', 1)}</parallel_port></super_io>`,
  )
  assert.deepEqual(parallel.machine.parallelPort, { kind: 'host' })
  assert.deepEqual(parallel.problems, ['warning port-of-host'])
})

test('floppies: images, host drives, two at most', () => {
  const floppy = (id: number, file: string) => `<floppy id="${id}">${path(file)}</floppy>`
  const { machine, problems } = read(
    `<super_io>${floppy(1, 'a.vfd')}${floppy(0, 'A:')}${floppy(2, 'c')}</super_io>`,
  )
  assert.deepEqual(machine.floppies, [{ index: 0 }, { index: 1, image: { absolute: 'a.vfd' } }])
  assert.deepEqual(problems, ['warning host-drive', 'warning position-invalid'])
})

test('undo, saved state, notes and the guest', () => {
  const { machine } = read(
    ide(location(0, 1, 'a.vhd', '<undo_pathname><relative type="string">u.vud</relative></undo_pathname>')),
    `<undo_drives>${leaf('enabled', 'boolean', 'true')}</undo_drives>
     <configuration><saved_state><path>${leaf('absolute', 'string', 'C:\\a.vsv')}</path></saved_state></configuration>
     ${leaf('notes', 'string', 'one\ntwo')}${leaf('guest_os', 'integer', 9)}`,
  )
  assert.equal(machine.undoEnabled, true)
  assert.deepEqual(machine.drives[0]?.undo, { relative: 'u.vud' })
  assert.deepEqual(machine.savedState, { absolute: 'C:\\a.vsv' })
  assert.equal(machine.notes, 'one\ntwo')
  assert.equal(machine.guestOs, 'code 9')
})

test('CMOS memory that is damaged or older than the setting is a note', () => {
  const cmos = (bytes: Uint8Array) =>
    read(`<bios>${leaf('cmos', 'bytes', Buffer.from(bytes).toString('hex'))}</bios>`).problems
  const right = new Uint8Array(242)
  right[0x17 - 14] = 0x00
  right[0x18 - 14] = 0xfc // 63 * 1024 KB above the first megabyte
  right[0x35 - 14] = 63
  right[0x2f - 14] = 0xfc
  assert.deepEqual(cmos(right), [])
  assert.deepEqual(cmos(right.subarray(0, 10)), ['note cmos-damaged'])
  assert.deepEqual(cmos(right.map((value, i) => (i === 0x2f - 14 ? 0 : value))), ['note cmos-damaged'])
  assert.deepEqual(cmos(right.map((value, i) => (i === 0x35 - 14 ? 31 : value))), ['note cmos-memory'])
})

test('a machine that Vivarium saved has no complaints', () => {
  const document = createVmc({ memoryMB: 64, adapters: [{ network: 'Internal' }], drives: [] })
  const again = parsePreferences(formatPreferences(document), 'a.vmc')
  assert.deepEqual(readVmc(again, 'a').problems, [])
})

test('whatever a document says, reading it is a machine with problems, never an error', () => {
  const drives = [{ channel: 0, unit: 0, kind: 'disk', image: { relative: '.\\a.vhd' } }] as const
  const document = createVmc({ memoryMB: 64, adapters: [{ network: 'Internal' }], drives })
  const seed = new TextEncoder().encode(
    new TextDecoder('utf-16le').decode(formatPreferences(document)).replace(/\r\n\t*/g, ''),
  )
  const change = fc.tuple(fc.nat(seed.length - 1), fc.integer({ min: 32, max: 126 }))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const bytes = Uint8Array.from(seed)
      for (const [at, value] of changes) bytes[at] = value
      let changed: ReturnType<typeof parsePreferences>
      try {
        changed = parsePreferences(bytes, 'a.vmc')
      } catch (error) {
        assert.ok(error instanceof VivariumError)
        return
      }
      const { problems } = readVmc(changed, 'a')
      for (const { where } of problems) assert.equal(where?.path, 'a.vmc')
    }),
    { numRuns: cases(200, 1000) },
  )
})
