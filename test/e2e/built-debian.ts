import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { buildDebian, obstaclesToDebian, recipeHash } from '../../src/sample/index.ts'

/** In the system's temporary folder, for all tests to come. */
export const debianCache = join(tmpdir(), 'vivarium-test-cache')

/** The dynamic disk that `buildDebian` made; undefined, and the test skipped, where the host cannot build it. */
export async function builtDebian(t: TestContext): Promise<string | undefined> {
  const folder = join(debianCache, `debian-${recipeHash()}`)
  const disk = join(folder, 'Debian.vhd')
  if (existsSync(disk)) return disk
  const missing = obstaclesToDebian()
  if (missing.length > 0) {
    t.skip(`missing here: ${missing.join(', ')}`)
    return undefined
  }
  mkdirSync(debianCache, { recursive: true })
  const making = mkdtempSync(join(debianCache, 'making-'))
  try {
    const installed = hostPackages()
    await buildDebian(making, { cacheFolder: join(debianCache, 'packages') })
    // apt works on the new system from outside it; one wrong word in a hook would remove packages of the host.
    const left = new Set(hostPackages())
    assert.deepEqual(
      installed.filter((name) => !left.has(name)),
      [],
      'the host lost packages',
    )
    renameSync(making, folder)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
  return disk
}

function hostPackages(): string[] {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a format of dpkg-query
  const list = ['-W', '-f', '${Package}:${Architecture} ${db:Status-Status}\n']
  return execFileSync('dpkg-query', list, { encoding: 'utf8' }).split('\n')
}
