// What npm start, npm test, npm run check, bench and build do. Plain JavaScript that any Node from 18 on runs:
// it installs what is missing, builds what changed, and hands over to the Node version that package.json pins.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Unchanged } from './unchanged.mjs'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const pinned = join(root, 'node_modules/node/bin/node')
const [verb = 'start', ...rest] = process.argv.slice(2)

/** SHA-256 over the names and contents of files and folders, so that nothing is done twice. */
function hashOf(...names) {
  const hash = createHash('sha256')
  const visit = (path) => {
    if (!existsSync(path)) return
    if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name))
    else if (!path.endsWith('.test.ts')) hash.update(path.slice(root.length)).update(readFileSync(path))
  }
  for (const name of names) visit(join(root, name))
  return hash.digest('hex')
}

/** Runs an action unless its marker file says that it was done for the same input. */
function once(marker, input, what, action) {
  const path = join(root, marker)
  if (existsSync(path) && readFileSync(path, 'utf8') === input) return
  console.error(what)
  action()
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, input)
}

function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) fail(`${command} could not be started: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
}

function fail(message) {
  console.error(`vivarium: ${message}`)
  process.exit(1)
}

/** npm's own script when npm started us (also on systems where `npm` is not an executable), else `npm`. */
function npm(...args) {
  const script = process.env.npm_execpath
  // What npm says of an installation is noise for whoever just wants to start; its errors are shown.
  const stdio = ['ignore', 'ignore', 'inherit']
  if (script?.endsWith('.js')) run(process.execPath, [script, ...args], { stdio })
  else run('npm', args, { stdio })
}

function install() {
  once(
    'node_modules/.vivarium-installed',
    hashOf('package.json', 'package-lock.json'),
    'Installing packages ...',
    () => npm('ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'),
  )
  // The `node` package fetches its binary in an install script; where scripts are not run, run it ourselves.
  if (!existsSync(pinned)) {
    const installer = join(root, 'node_modules/node/installArchSpecificPackage.js')
    if (existsSync(installer)) run(process.execPath, [installer], { cwd: dirname(installer) })
  }
  if (!existsSync(pinned)) fail('the pinned Node was not installed. Remove node_modules and try again.')
}

function buildSite() {
  const input = hashOf('package-lock.json', 'src/web', 'src/api', 'src/base', 'src/disk', 'src/machine')
  once('dist/web/.built', input, 'Building the site ...', () =>
    run(pinned, [
      'node_modules/vite/bin/vite.js',
      'build',
      '--config',
      'src/web/vite.config.ts',
      '--logLevel',
      'warn',
    ]),
  )
}

/** One small file of the commands that only look at a file; bin/vivarium.js takes it while it is newer than the sources. */
function buildQuick() {
  const input = hashOf(
    'package-lock.json',
    'scripts/quick.config.mjs',
    'src/cli',
    'src/base',
    'src/disk',
    'src/machine',
    'src/system',
    'src/workshop',
    'src/server/inspection.ts',
  )
  once('dist/quick/.built', input, 'Building the command line ...', () =>
    run(pinned, [
      'node_modules/vite/bin/vite.js',
      'build',
      '--config',
      'scripts/quick.config.mjs',
      '--logLevel',
      'warn',
    ]),
  )
}

function bin(name) {
  return join(root, 'node_modules/.bin', name)
}

function inPinnedNode(extra = {}) {
  return { env: { ...process.env, ...extra, PATH: `${dirname(pinned)}:${process.env.PATH}` } }
}

/** Files below a folder whose names end so; Node 20 has no glob. */
function files(folder, ending) {
  const path = join(root, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name))
    .sort()
}

const PROPERTIES = ['--import', join(root, 'scripts/properties.mjs')]

/** The loop of a developer takes some random cases, and leaves out what has passed and is as it was. */
async function check() {
  lint()
  const all = files('src', '.test.ts')
  const common = ['package-lock.json', 'scripts/run.mjs', 'scripts/properties.mjs']
  const unchanged = new Unchanged(root, 'node_modules/.cache/checked.json', common)
  const wanted = process.env.VIVARIUM_CASES === undefined ? unchanged.among(all) : all
  if (wanted.length < all.length)
    console.error(`${all.length - wanted.length} files of unit tests passed before and are as they were.`)
  const failed = await unitTests(wanted)
  const known = failed.flatMap((run) => run.files)
  if (failed.every((run) => run.files.length > 0))
    unchanged.remember(wanted.filter((name) => !known.includes(name)))
  endWith(failed)
}

function lint() {
  run(bin('biome'), ['check', '--error-on-warnings', '.'])
  run(bin('tsc'), ['-p', '.'], inPinnedNode())
}

/** A process a core, not a process a file: to start one takes longer than most files of unit tests. */
function unitTests(names, extra) {
  const shares = dealt(names, cpus().length).filter((share) => share.length > 0)
  return runTests(
    shares.map((share) => [...PROPERTIES, '--test-isolation=none', '--test-timeout=300000', ...share]),
    extra,
  )
}

/** Long files go first, so that every share has its part of the long and of the short. */
function dealt(names, shares) {
  const bySize = [...names].sort((left, right) => size(right) - size(left))
  return Array.from({ length: shares }, (_, share) => bySize.filter((_, index) => index % shares === share))
}

function size(name) {
  return statSync(join(root, name)).size
}

/**
 * Runs Node's test runner, once for each list of arguments and all of them at a time, and says which tests skipped
 * themselves for want of a tool. Where every tool is promised (VIVARIUM_NO_SKIP, in CI) that is a failure; only the
 * corpus of real files, what the host itself is like, and what runs only when it is asked for, are never promised.
 */
async function runTests(lists, extra = {}) {
  const runs = await Promise.all(lists.map((args, index) => runnerOf(args, index, extra)))
  const skipped = runs.flatMap((run) => run.skipped)
  for (const line of skipped) console.error(`skipped: ${line.trim().replace(/^ok \d+ - /, '')}`)
  if (
    process.env.VIVARIUM_NO_SKIP &&
    skipped.some((line) => !/# SKIP (corpus|the host|only with) /.test(line))
  ) {
    fail('a test was skipped where none may be (VIVARIUM_NO_SKIP).')
  }
  return runs.filter(({ status }) => status !== 0)
}

function endWith(failed) {
  if (failed.length > 0) process.exit(failed[0].status ?? 1)
}

/**
 * Machines, emulators and their clients side by side on a slow host: now and then one misses its time. Where that
 * stops a landing (CI), a file of tests that failed runs once more, alone on the machine. Who fails again has
 * failed; who passes is named, and is to be mended.
 */
async function endWithoutUnsteady(failed) {
  const again = [...new Set(failed.flatMap(({ files }) => files))]
  const known = failed.length > 0 && failed.every(({ files }) => files.length > 0)
  if (!process.env.VIVARIUM_NO_SKIP || !known || again.length > MOST_RUN_AGAIN) return endWith(failed)
  console.error(`Once more, alone: ${again.join(' ')}`)
  const alone = [...PROPERTIES, '--test-concurrency=1', '--test-timeout=900000', ...again]
  endWith(await runTests([alone], { VIVARIUM_THOROUGH: '1' }))
  for (const file of again) console.error(`unsteady: ${file} failed beside others and passed alone`)
}

/** With more than these something is broken, not slow. */
const MOST_RUN_AGAIN = 4

/** TAP gives a place, `location: '/path/of.test.ts:12:1'`, only for tests that failed. */
function failedFiles(tap) {
  const places = tap.matchAll(/^ +location: '(.+?\.test\.ts):\d+:\d+'$/gm)
  return [...new Set([...places].map(([, path]) => relative(root, resolve(root, path))))]
}

/** The first says at once what it does; the others when they have ended, so that no line is cut by another. */
async function runnerOf(args, index, extra) {
  const tap = join(root, 'dist', `tests-${process.pid}-${index}.tap`)
  mkdirSync(dirname(tap), { recursive: true })
  const reporters = ['spec', 'stdout', 'tap', tap].map((value, at) =>
    at % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  )
  const child = spawn(pinned, ['--test', ...reporters, ...args], {
    cwd: root,
    stdio: ['ignore', index === 0 ? 'inherit' : 'pipe', 'inherit'],
    // What Node made of our sources is kept for the next process.
    ...inPinnedNode({ NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'), ...extra }),
  })
  const said = []
  child.stdout?.on('data', (piece) => said.push(piece))
  const status = await new Promise((resolve) => child.once('close', (code) => resolve(code)))
  process.stdout.write(Buffer.concat(said))
  const report = readFileSync(tap, 'utf8')
  rmSync(tap)
  const skipped = report.split('\n').filter((line) => line.includes('# SKIP'))
  return { status, skipped, files: failedFiles(report) }
}

const verbs = {
  start() {
    install()
    buildSite()
    buildQuick()
    const child = spawn(pinned, ['bin/vivarium.js', 'serve', ...rest], { cwd: root, stdio: 'inherit' })
    // A terminal sends Ctrl-C to the child too; what a supervisor sends us has to be passed on.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
  },
  async test() {
    install()
    buildSite()
    buildQuick()
    if (rest.length > 0)
      return endWith(await runTests([[...PROPERTIES, ...rest]], { VIVARIUM_THOROUGH: '1' }))
    lint()
    await endWithoutUnsteady(await unitTests(files('src', '.test.ts'), { VIVARIUM_THOROUGH: '1' }))
    // Two at a time: each starts machines, and waits for them about half of its time.
    const concurrency = Math.min(2, cpus().length)
    await endWithoutUnsteady(
      await runTests([
        [`--test-concurrency=${concurrency}`, '--test-timeout=900000', ...files('test', '.test.ts')],
      ]),
    )
  },
  async check() {
    install()
    await check()
    console.error('All checks passed.')
  },
  bench() {
    install()
    buildSite()
    buildQuick()
    const wanted = rest.length > 0 ? rest.map((name) => `bench/${name}.ts`) : files('bench', '.bench.ts')
    for (const file of wanted) run(pinned, [file], inPinnedNode())
  },
  fuzz() {
    install()
    run(pinned, ['test/fuzz/fuzz.ts', ...rest], inPinnedNode())
  },
  build() {
    install()
    buildSite()
    buildQuick()
    run(bin('tsc'), ['-p', 'tsconfig.publish.json'], inPinnedNode())
  },
}

if (!(verb in verbs)) fail(`there is no "${verb}". There are: ${Object.keys(verbs).join(', ')}.`)
verbs[verb]()
