import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { NbdExport } from '../../src/disk/index.ts'
import { CMD } from '../../src/disk/nbd/constants.ts'
import { greeting, joined, MemoryDisk, request } from '../../src/disk/nbd/testing.ts'
import { serveNbd } from '../../src/system/index.ts'
import { missing } from './tools.ts'

/** Real NBD clients against our server, which runs in this process over disks in memory. */
const run = promisify(execFile)
const MiB = 1024 * 1024

async function served(t: TestContext, disks: Record<string, MemoryDisk>) {
  const folder = mkdtempSync(join(tmpdir(), 'viv-nbd-'))
  const socket = join(folder, 'nbd.sock')
  const exports = Object.entries(disks).map(([name, disk]) => new NbdExport(name, disk))
  const listener = await serveNbd(exports, { path: socket })
  t.after(async () => {
    await listener.close()
    rmSync(folder, { recursive: true })
  })
  return { folder, socket, exports, uri: (name: string) => `nbd+unix:///${name}?socket=${socket}` }
}

/** Data in the middle of nothing. */
function patterned(sizeBytes = 8 * MiB): MemoryDisk {
  const disk = new MemoryDisk(sizeBytes)
  disk.write(MiB, pattern(256 * 1024))
  disk.write(5 * MiB + 4096, pattern(8192))
  return disk
}

const pattern = (length: number) =>
  Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff)

function contentOf(disk: MemoryDisk): Buffer {
  const bytes = Buffer.alloc(disk.sizeBytes)
  disk.read(0, bytes)
  return bytes
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(10)
}

test('nbdinfo sees sizes, flags, both exports and the map of data and holes', async (t) => {
  if (missing(t, 'nbdinfo')) return
  const { uri } = await served(t, { 'ide0-0': patterned(), cd: new MemoryDisk(MiB, false) })
  const info = JSON.parse((await run('nbdinfo', ['--json', uri('ide0-0')])).stdout)
  const [facts] = info.exports
  assert.equal(info.protocol, 'newstyle-fixed')
  assert.equal(info.structured, true)
  assert.equal(facts['export-size'], 8 * MiB)
  assert.deepEqual(facts.contexts, ['base:allocation'])
  assert.deepEqual(
    [facts.is_read_only, facts.can_multi_conn, facts.can_trim, facts.can_zero, facts.can_fua, facts.can_df],
    [false, true, true, true, true, true],
  )
  assert.deepEqual(
    [facts.block_size_minimum, facts.block_size_preferred, facts.block_size_maximum],
    [1, 4096, 32 * MiB],
  )

  const list = JSON.parse((await run('nbdinfo', ['--list', '--json', uri('')])).stdout)
  assert.deepEqual(
    list.exports.map((item: { 'export-name': string; is_read_only: boolean }) => [
      item['export-name'],
      item.is_read_only,
    ]),
    [
      ['ide0-0', false],
      ['cd', true],
    ],
  )

  const map = JSON.parse((await run('nbdinfo', ['--map', '--json', uri('ide0-0')])).stdout)
  assert.deepEqual(
    map.map((run: { offset: number; length: number; description: string }) => [
      run.offset,
      run.length,
      run.description,
    ]),
    [
      [0, MiB, 'hole,zero'],
      [MiB, 256 * 1024, 'data'],
      [MiB + 256 * 1024, 3.75 * MiB + 4096, 'hole,zero'],
      [5 * MiB + 4096, 8192, 'data'],
      [5 * MiB + 12288, 3 * MiB - 12288, 'hole,zero'],
    ],
  )
})

test('nbdcopy brings equal bytes out and in, over several connections', async (t) => {
  if (missing(t, 'nbdcopy')) return
  const from = patterned(32 * MiB)
  const to = new MemoryDisk(32 * MiB)
  const { folder, uri } = await served(t, { from, to })
  const file = join(folder, 'out.raw')
  await run('nbdcopy', ['--connections=4', uri('from'), file])
  assert.ok(readFileSync(file).equals(contentOf(from)))
  await run('nbdcopy', ['--connections=4', '--flush', file, uri('to')])
  assert.ok(contentOf(to).equals(contentOf(from)))
  assert.ok(to.flushes > 0)
})

test('qemu-img converts, compares and maps', async (t) => {
  if (missing(t, 'qemu-img')) return
  const from = patterned()
  const to = new MemoryDisk(8 * MiB)
  const { folder, uri } = await served(t, { from, to })
  const file = join(folder, 'out.raw')
  await run('qemu-img', ['convert', '-O', 'raw', uri('from'), file])
  assert.ok(readFileSync(file).equals(contentOf(from)))
  await run('qemu-img', ['convert', '-n', '-f', 'raw', '-O', 'raw', file, uri('to')])
  const { stdout } = await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', uri('from'), uri('to')])
  assert.match(stdout, /Images are identical/)
  const map = JSON.parse((await run('qemu-img', ['map', '--output=json', '-f', 'raw', uri('from')])).stdout)
  assert.deepEqual(
    map.map(({ start, data, zero }: { start: number; data: boolean; zero: boolean }) => [start, data, zero]),
    [
      [0, false, true],
      [MiB, true, false],
      [MiB + 256 * 1024, false, true],
      [5 * MiB + 4096, true, false],
      [5 * MiB + 12288, false, true],
    ],
  )
})

test('qemu-io reads, writes, discards, zeroes and flushes', async (t) => {
  if (missing(t, 'qemu-io')) return
  const disk = patterned()
  const { uri } = await served(t, { disk })
  const io = async (...commands: string[]) =>
    (
      await run('qemu-io', [
        '-f',
        'raw',
        '-d',
        'unmap',
        ...commands.flatMap((line) => ['-c', line]),
        uri('disk'),
      ])
    ).stdout
  const output = await io(
    'write -P 0xab 512 1M',
    'read -P 0xab 512 1M',
    'write -f -P 0xcd 3M 4k',
    'write -z 64k 64k',
    'write -z -u 2M 64k',
    'discard 256k 128k',
    'read -P 0 64k 64k',
    'read -P 0 256k 128k',
    'flush',
    'write -P 1 8388607 1',
  )
  assert.doesNotMatch(output, /fail|error/i)
  const content = contentOf(disk)
  assert.equal(content[512], 0xab)
  assert.equal(content[3 * MiB], 0xcd)
  assert.equal(content[8 * MiB - 1], 1)
  assert.ok(disk.flushes >= 2)
  assert.deepEqual(
    [...disk.extents(64 * 1024, 4096), ...disk.extents(256 * 1024, 4096)].map(({ kind }) => kind),
    ['data', 'zero'],
    'without -u the space stays',
  )
})

test('a read-only export can be read and not written', async (t) => {
  if (missing(t, 'qemu-io')) return
  const { uri } = await served(t, { cd: new MemoryDisk(MiB, false) })
  const { stdout } = await run('qemu-io', ['-r', '-f', 'raw', '-c', 'read 0 1M', uri('cd')])
  assert.match(stdout, /read 1048576\/1048576/)
  await assert.rejects(run('qemu-io', ['-f', 'raw', '-c', 'write 0 512', uri('cd')]))
})

test('an unknown export and a failing disk are answered in words', async (t) => {
  if (missing(t, 'qemu-io')) return
  const disk = new MemoryDisk(MiB)
  const { uri } = await served(t, { disk })
  await assert.rejects(run('qemu-io', ['-f', 'raw', '-c', 'read 0 512', uri('nobody')]), /There is no export/)
  disk.failure = new Error('a bad sector')
  const { stdout } = await run('qemu-io', ['-f', 'raw', '-c', 'read 0 512', uri('disk')]).catch(
    (error) => error,
  )
  assert.match(stdout, /Input\/output error/)
})

test('clients at the same time see each other', async (t) => {
  if (missing(t, 'qemu-io')) return
  const disk = new MemoryDisk(8 * MiB)
  const { uri } = await served(t, { disk })
  await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      run('qemu-io', [
        '-f',
        'raw',
        '-c',
        `write -P ${index + 1} ${index}M 1M`,
        '-c',
        `read -P ${index + 1} ${index}M 1M`,
        uri('disk'),
      ]),
    ),
  )
  const content = contentOf(disk)
  for (let index = 0; index < 8; index++) assert.equal(content[index * MiB + 4711], index + 1)
})

test('a client that never takes its answers is not served on, and harms nobody else', async (t) => {
  const { socket, exports } = await served(t, { disk: new MemoryDisk(4 * MiB) })
  const greedy = net.connect(socket)
  greedy.pause()
  t.after(() => greedy.destroy())
  const reads = Array.from({ length: 2000 }, () => request(CMD.read, 0, MiB))
  greedy.write(joined(greeting('disk', false), ...reads))
  await until(() => exports[0]!.counters.reads > 0)

  const modest = net.connect(socket)
  modest.resume()
  modest.write(joined(greeting('disk', false), request(CMD.flush, 0, 0), request(CMD.disconnect, 0, 0)))
  await once(modest, 'close')
  assert.equal(exports[0]!.counters.flushes, 1)
  assert.ok(exports[0]!.counters.reads < 10, `${exports[0]!.counters.reads} reads wait in memory`)

  greedy.resume()
  await until(() => exports[0]!.counters.reads === 2000)
})

test('the socket is private, replaces one that a dead process left, and never one in use', async (t) => {
  const { socket, folder } = await served(t, { disk: new MemoryDisk(MiB) })
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  await assert.rejects(serveNbd(new MemoryDisk(MiB), { path: socket }), {
    kind: 'busy',
    code: 'socket-in-use',
  })
  const long = join(folder, 'x'.repeat(120))
  await assert.rejects(serveNbd(new MemoryDisk(MiB), { path: long }), { code: 'socket-path-too-long' })
  const nowhere = join(folder, 'no', 'where')
  await assert.rejects(serveNbd(new MemoryDisk(MiB), { path: nowhere }), { kind: 'not-found' })
  writeFileSync(join(folder, 'file'), 'a file of somebody')
  await assert.rejects(serveNbd(new MemoryDisk(MiB), { path: join(folder, 'file') }), { kind: 'conflict' })
  assert.equal(readFileSync(join(folder, 'file'), 'utf8'), 'a file of somebody')
})
