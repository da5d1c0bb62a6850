#!/usr/bin/env node
// Starts the command line: the compiled package where it is one, the sources in a checkout. The sources, the
// server and its database need Node 24; in a checkout it is there as a package, whatever node started us.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const pinned = fileURLToPath(new URL('node_modules/node/bin/node', root))
const major = Number(process.versions.node.split('.')[0])
const STARTED_BY_WRAPPER = 'VIVARIUM_STARTED_BY_WRAPPER'

if (major < 24 && existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, [STARTED_BY_WRAPPER]: '1' },
  })
  // A terminal sends Ctrl-C to both; what a supervisor or `kill` sends to us alone has to be passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // Ended by a signal before it could answer: what a shell says of that.
  const status = await new Promise((resolve) =>
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal])),
  )
  process.exit(status)
}
if (major < 24) {
  console.error(
    `vivarium: Node 24 or newer is needed, this is ${process.versions.node}. In a checkout, run "npm start" once; elsewhere install Node 24.`,
  )
  process.exit(2)
}
if (process.env[STARTED_BY_WRAPPER] !== undefined) endWithWrapper()
module.enableCompileCache?.()
const sources = new URL('src/cli/main.ts', root)
const quick = new URL('dist/quick/quick.js', root)
// Looking into the guest's files takes another process, which the small file does not hold.
const isQuick = ['inspect', 'check'].includes(process.argv[2]) && !process.argv.includes('--guest')
if (isQuick && isFresh(quick)) await import(quick.href)
else await import(existsSync(sources) ? sources.href : new URL('dist/cli/main.js', root).href)

/** Somebody killed the process that they started, and means this one. */
function endWithWrapper() {
  delete process.env[STARTED_BY_WRAPPER]
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // It says nothing, and nobody has to wait for it.
  process.channel?.unref()
}

/** A checkout's sources may be newer than what was built of them; an installed package has no sources. */
function isFresh(built) {
  if (!existsSync(built)) return false
  if (!existsSync(sources)) return true
  const builtAt = statSync(built).mtimeMs
  const rooms = ['base', 'disk', 'machine', 'system', 'workshop', 'cli', 'server'].map(
    (room) => new URL(`src/${room}/`, root),
  )
  return rooms.every((room) =>
    ['.', ...readdirSync(room, { recursive: true })].every(
      (name) => statSync(new URL(name, room)).mtimeMs <= builtAt,
    ),
  )
}
