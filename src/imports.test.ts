import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

/** Which rooms a room may import from. `base` is everybody's ground floor. */
const ALLOWED: Record<string, readonly string[]> = {
  base: [],
  disk: ['base'],
  machine: ['base'],
  network: ['base'],
  system: ['base', 'disk', 'machine'],
  workshop: ['base', 'disk', 'machine', 'system'],
  engine: ['base', 'disk', 'machine', 'network', 'system'],
  sample: ['base', 'disk', 'machine', 'system'],
  server: ['base', 'disk', 'machine', 'network', 'system', 'workshop', 'engine', 'sample'],
  api: ['base', 'disk', 'machine', 'network', 'system', 'workshop', 'engine', 'server'],
  cli: ['base', 'disk', 'machine', 'network', 'system', 'workshop', 'engine', 'sample', 'server', 'api'],
  web: ['base', 'disk', 'machine', 'api'],
}
const PURE = new Set(['base', 'disk', 'machine', 'network'])
const root = import.meta.dirname

function sources(): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !/\.test\.tsx?$/.test(name))
    .map((name) => join(root, name))
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map((match) => match[1]!)
}

test('imports between rooms point one way', () => {
  const wrong: string[] = []
  for (const file of sources()) {
    const room = relative(root, file).split('/')[0]!
    for (const target of importsOf(file)) {
      if (!target.startsWith('.')) continue
      const other = relative(root, resolve(dirname(file), target)).split('/')[0]!
      if (other !== room && !ALLOWED[room]?.includes(other))
        wrong.push(`${relative(root, file)} -> ${target}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('the pure rooms and the site never import node:*', () => {
  const wrong = sources()
    .filter(
      (file) => PURE.has(relative(root, file).split('/')[0]!) || relative(root, file).startsWith('web/'),
    )
    .filter((file) => importsOf(file).some((target) => target.startsWith('node:')))
  assert.deepEqual(
    wrong.map((file) => relative(root, file)),
    [],
  )
})

test('every room is listed', () => {
  const rooms = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const room of rooms) assert.ok(room.name in ALLOWED, `src/${room.name} has no import rule`)
})
