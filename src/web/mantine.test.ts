import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const STYLES = fileURLToPath(new URL('./styles/', import.meta.resolve('@mantine/core/styles.css')))

test('mantine.css has the style of every component that the site imports', () => {
  const imported = new Set<string>()
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.tsx') && name !== 'theme.ts') continue
    const text = readFileSync(join(import.meta.dirname, name), 'utf8')
    for (const [, names] of text.matchAll(/import \{([^}]*)\} from '@mantine\/core'/g))
      for (const one of names!.split(',')) imported.add(one.trim())
  }
  const styles = readFileSync(join(import.meta.dirname, 'mantine.css'), 'utf8')
  const missing = [...imported].filter(
    (name) => existsSync(join(STYLES, `${name}.css`)) && !styles.includes(`/${name}.css`),
  )
  assert.ok(imported.size > 20)
  assert.deepEqual(missing, [])
})
