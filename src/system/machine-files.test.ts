import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { VivariumError } from '../base/index.ts'
import { createVmc, type PreferencesDocument, setUndoDisk, setValue } from '../machine/index.ts'
import { inspectMachineFile, readMachineFile, writeMachineFile } from './machine-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'vivarium-machine-files-'))
after(() => rmSync(folder, { recursive: true }))

function fresh(name: string, change: (document: PreferencesDocument) => void = () => {}): string {
  const path = join(folder, name)
  const document = createVmc({
    memoryMB: 64,
    drives: [
      { channel: 0, unit: 0, kind: 'disk', image: { absolute: 'C:\\vm\\hda.vhd', relative: '.\\HDA.vhd' } },
      { channel: 1, unit: 0, kind: 'cd', image: { relative: '.\\setup.iso' } },
    ],
    floppy: { relative: '.\\boot.vfd' },
    adapters: [{ network: 'Internal' }],
  })
  change(document)
  writeMachineFile(path, document)
  return path
}

function failure(name: string, content?: string | Uint8Array): VivariumError {
  const path = join(folder, name)
  if (content !== undefined) writeFileSync(path, content)
  try {
    readMachineFile(path)
  } catch (error) {
    if (error instanceof VivariumError) return error
    throw error
  }
  throw new Error('it was accepted')
}

function inspectMachine(path: string, roots?: readonly string[]) {
  const report = inspectMachineFile(path, { roots })
  assert.ok(report.kind === 'machine')
  return { report, codes: report.problems.map(({ code, severity }) => `${severity} ${code}`) }
}

test('a machine file is written, read and written again', () => {
  const path = fresh('a.vmc')
  const file = readMachineFile(path)
  assert.deepEqual([file.name, file.format], ['a', 'vmc'])
  const before = readFileSync(path)
  chmodSync(path, 0o640)
  symlinkSync(path, join(folder, 'link.vmc'))
  writeMachineFile(join(folder, 'link.vmc'), file.document)
  assert.deepEqual(readFileSync(path), before)
  assert.equal(statSync(path).mode & 0o777, 0o640)
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  )
})

test('files that are missing are told with the place and what to do', () => {
  const { report, codes } = inspectMachine(fresh('b.vmc'))
  assert.deepEqual(codes, ['error disk-missing', 'warning cd-missing', 'warning floppy-missing'])
  assert.equal(report.disks[0]?.path, 'C:\\vm\\hda.vhd')
  for (const problem of report.problems) assert.ok(problem.next && problem.where?.path && problem.where.field)
})

test('files that are there are resolved, and then there is nothing to say', () => {
  const place = join(folder, 'complete')
  mkdirSync(place)
  for (const name of ['hda.vhd', 'setup.iso', 'boot.vfd']) writeFileSync(join(place, name), '')
  const { report, codes } = inspectMachine(fresh('complete/c.vmc'), [folder])
  assert.deepEqual(codes, [])
  assert.deepEqual(
    [...report.disks, ...report.floppies].map(({ resolvedPath }) => resolvedPath?.slice(place.length)),
    ['/hda.vhd', '/setup.iso', '/boot.vfd'],
  )
  const elsewhere = inspectMachine(join(place, 'c.vmc'), [join(folder, 'nowhere')])
  assert.deepEqual(elsewhere.codes, ['error outside-roots', 'warning outside-roots', 'warning outside-roots'])
  assert.equal(elsewhere.report.disks[0]?.resolvedPath, undefined)
})

test('undo disks and saved states, present and missing', () => {
  const path = fresh('d.vmc', (document) => {
    setUndoDisk(document, 0, 0, { relative: '.\\d.vud' })
    setValue(document, 'settings/configuration/saved_state/path/relative', 'string', '.\\d.vsv')
  })
  const about = () => inspectMachine(path).codes.filter((code) => /undo|saved/.test(code))
  assert.deepEqual(about(), ['warning undo-missing', 'warning saved-state-missing'])
  writeFileSync(join(folder, 'd.vud'), '')
  writeFileSync(join(folder, 'd.vsv'), '')
  assert.deepEqual(about(), ['warning undo-present', 'warning saved-state'])
  const { report } = inspectMachine(path)
  assert.equal(report.disks[0]?.resolvedUndoPath, join(folder, 'd.vud'))
  assert.equal(report.savedState, '.\\d.vsv')
})

test('a disk found beside the machine file, where the file does not say so', () => {
  writeFileSync(join(folder, 'else.vhd'), '')
  const path = join(folder, 'e.vmc')
  const image = { absolute: 'X:\\build\\else.vhd', relative: '..\\build\\else.vhd' }
  writeMachineFile(path, createVmc({ memoryMB: 64, drives: [{ channel: 0, unit: 0, kind: 'disk', image }] }))
  assert.deepEqual(inspectMachine(path).codes, ['note found-beside'])
})

test('a shortcut of Windows Virtual PC leads to its machine', () => {
  const vmcx = (target: string) =>
    `<vm_description><ram_size type="string">1 GB</ram_size><vmc_path type="string">${target}</vmc_path></vm_description>`
  fresh('target.vmc')
  writeFileSync(join(folder, 'f.vmcx'), vmcx('C:\\Users\\a\\Target.VMC'))
  const { report } = inspectMachine(join(folder, 'f.vmcx'))
  assert.deepEqual([report.format, report.memoryMB, report.encoding], ['vmcx', 1024, 'UTF-8'])
  assert.match(report.problems[0]!.next!, /target\.vmc/)
  writeFileSync(join(folder, 'g.vmcx'), vmcx('C:\\gone.vmc'))
  assert.match(inspectMachine(join(folder, 'g.vmcx')).report.problems[0]!.next!, /^Find/)
})

test('networks have reports of their own', () => {
  writeFileSync(
    join(folder, 'Lab.vnc'),
    '<preferences><dhcp><enabled type="boolean">true</enabled></dhcp></preferences>',
  )
  writeFileSync(join(folder, 'Options.xml'), '<preferences/>')
  const lab = inspectMachineFile(join(folder, 'Lab.vnc'))
  assert.ok(lab.kind === 'network')
  assert.deepEqual(lab.networks, [{ name: 'Lab', dhcp: { enabled: true, dns: [], wins: [] } }])
  assert.equal(inspectMachineFile(join(folder, 'Options.xml')).kind, 'options')
})

test('other kinds of file are named', () => {
  const says = (error: VivariumError, pattern: RegExp) => {
    assert.match(error.message, pattern)
    assert.ok(error.next && error.where.path)
  }
  says(failure('disk.vmc', `${'\0'.repeat(2048)}conectix${'\0'.repeat(504)}`), /VHD/)
  says(failure('hyperv.vmcx', Uint8Array.of(0x14, 0x20, 0x28, 0x01, 0, 0, 0, 0)), /Hyper-V/)
  says(failure('o.vmc', '<Envelope/>'), /OVF/)
  says(failure('x.xml', '<preferences/>'), /settings/)
  says(failure('page.vmc', '<html><body></body></html>'), /web page/)
  says(failure('empty.vmc', ''), /empty/)
  says(failure('no-such.vmc'), /no such file/)
  says(failure('complete'), /not a regular file/)
})

test('a pipe is refused without waiting for it', () => {
  execFileSync('mkfifo', [join(folder, 'pipe.vmc')])
  assert.equal(failure('pipe.vmc').code, 'not-a-regular-file')
})

test('a file of a gigabyte is refused before it is read', () => {
  writeFileSync(join(folder, 'huge.vmc'), '<preferences>')
  truncateSync(join(folder, 'huge.vmc'), 2 ** 30)
  const error = failure('huge.vmc')
  assert.equal(error.code, 'preferences-too-large')
  assert.match(error.message, /1 GiB/)
})

test('a machine file cut at any byte is refused, named with its path', () => {
  const whole = readFileSync(fresh('cut.vmc'))
  for (let length = 0; length < whole.length - 4; length += 1 + (length % 7) * 5) {
    assert.equal(failure('cut.vmc', whole.subarray(0, length)).where.path, join(folder, 'cut.vmc'))
  }
})

test('a file with nothing but problems gives a report that a person can still read', () => {
  const locations = Array.from(
    { length: 5000 },
    (_, i) => `<location id="${i}"><drive_type>1</drive_type></location>`,
  )
  writeFileSync(
    join(folder, 'mad.vmc'),
    `<preferences><hardware><pci_bus><ide_adapter><ide_controller id="0">${locations.join('')}</ide_controller></ide_adapter></pci_bus></hardware></preferences>`,
  )
  const { report, codes } = inspectMachine(join(folder, 'mad.vmc'))
  assert.equal(report.disks.length, 2)
  assert.equal(codes.length, 201)
  assert.equal(codes.at(-1), 'warning more-problems')
})
