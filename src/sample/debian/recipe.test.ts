import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readGuestSource } from '../guest-sources.ts'
import {
  BOOT_SECTORS,
  BOOT_START,
  DISK_BYTES,
  packages,
  ROOT_SECTORS,
  ROOT_START,
  recipeHash,
} from './recipe.ts'

test('the partitions follow each other inside the disk, at whole megabytes', () => {
  assert.equal(ROOT_START, BOOT_START + BOOT_SECTORS)
  for (const sectors of [BOOT_START, ROOT_START]) assert.equal(sectors % 2048, 0)
  assert.ok((ROOT_START + ROOT_SECTORS) * 512 < DISK_BYTES)
})

test('the packages are listed without their remarks', () => {
  assert.ok(packages().includes('busybox-static'))
  for (const name of packages()) assert.match(name, /^[a-z0-9][a-z0-9.+-]+$/)
})

test('the recipe has one name', () => {
  assert.match(recipeHash(), /^[0-9a-f]{16}$/)
  assert.equal(recipeHash(), recipeHash())
})

test('outside the new system apt only looks and downloads, and dpkg only unpacks', () => {
  // The hook runs with the rights of root and with apt pointed at the new system, but dpkg would change the host.
  const lines = readGuestSource('debian/customize.sh')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
  const calls = lines.filter((line) => /\b(apt|apt-get|aptitude|dpkg)\b/.test(line))
  assert.ok(calls.length > 0)
  for (const line of calls)
    assert.doesNotMatch(line, /\b(install|remove|purge|upgrade|dist-upgrade|autoremove|unpack|configure)\b/)
})
