import assert from 'node:assert/strict'
import { test } from 'node:test'
import { archiveAddress, fileAddress, firstPlace, formatPlace, parsePlace, volumeName } from './place.ts'

test('a place goes into the address and comes back', () => {
  for (const place of [
    { volume: 0, folders: [] },
    { volume: 5, folders: ['Documents and Settings', 'a:b', 'new\nline'] },
  ])
    assert.deepEqual(parsePlace(formatPlace(place)), place)
  assert.equal(parsePlace(null), undefined)
  assert.equal(parsePlace('WINDOWS'), undefined)
})

test('a disk with one volume that can be read begins in it', () => {
  const volume = { number: 1, sizeBytes: 1, readable: true }
  assert.deepEqual(firstPlace([volume, { ...volume, number: 2, readable: false }]), {
    volume: 1,
    folders: [],
  })
  assert.equal(firstPlace([volume, { ...volume, number: 2 }]), undefined)
  assert.equal(firstPlace([]), undefined)
})

test('volumes are called by their label, else by their number', () => {
  const volume = { number: 2, fileSystem: 'NTFS', sizeBytes: 1, readable: true }
  assert.equal(volumeName({ ...volume, label: 'DATA' }), 'DATA (NTFS)')
  assert.equal(volumeName(volume), 'Volume 2 (NTFS)')
  assert.equal(volumeName({ number: 0, sizeBytes: 1, readable: false }), 'Whole disk')
})

test('the address of a file holds its name as it is', () => {
  const address = fileAddress('/a b.vhd', { volume: 1, folders: ['x & y'] }, '#1?.txt')
  const query = new URL(address, 'http://localhost').searchParams
  assert.deepEqual(Object.fromEntries(query), { path: '/a b.vhd', volume: '1', inside: 'x & y/#1?.txt' })
})

test('the address of a folder holds its path; the first folder is none', () => {
  const of = (folders: string[]) =>
    new URL(archiveAddress('/a b.vhd', { volume: 0, folders }), 'http://localhost').searchParams.get('inside')
  assert.equal(of(['x & y', 'z']), 'x & y/z')
  assert.equal(of([]), '')
})
