import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import net from 'node:net'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { greeting, joined, option, uint } from '../../src/disk/nbd/testing.ts'
import { createDiskFile, openDiskFile } from '../../src/system/index.ts'
import { serving } from './serve-process.ts'
import { bin, newFolder } from './server-process.ts'
import { missing } from './tools.ts'

/** `vivarium disk serve` as a user starts it, with the NBD clients that there are. */
const run = promisify(execFile)
const MiB = 1 << 20
const SIZE = 24 * MiB

async function refusal(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return run(process.execPath, [bin, 'disk', 'serve', ...args]).then(
    () => assert.fail('it served'),
    ({ code, stderr }) => ({ code, stderr }),
  )
}

/** A chain of two with something in both, and the same as a raw file. */
function makeChain(folder: string): { readonly top: string; readonly raw: string } {
  const base = join(folder, 'base.vhd')
  const top = join(folder, 'top.vhd')
  const raw = join(folder, 'same.raw')
  createDiskFile(base, { subformat: 'dynamic', sizeBytes: SIZE })
  createDiskFile(top, { subformat: 'differencing', parent: base })
  writeFileSync(raw, new Uint8Array(SIZE))
  const fd = openSync(raw, 'r+')
  const fill = (path: string, pieces: readonly (readonly [number, number])[]) => {
    const disk = openDiskFile(path, { writable: true })
    for (const [at, length] of pieces) {
      const data = Uint8Array.from({ length }, (_, index) => (at / 512 + index * 31 + (index >> 9)) & 0xff)
      disk.write(at, data)
      writeSync(fd, data, 0, length, at)
    }
    disk.close()
  }
  fill(base, [
    [MiB, 3 * MiB],
    [9 * MiB + 512, 70_000],
  ])
  fill(top, [
    [2 * MiB + 4096, 65_536],
    [20 * MiB, MiB],
  ])
  closeSync(fd)
  return { top, raw }
}

async function copiedOut(uri: string, folder: string, ...options: readonly string[]): Promise<Buffer> {
  const out = join(folder, `out-${Math.random().toString(36).slice(2)}.raw`)
  await run('nbdcopy', [...options, uri, out])
  return readFileSync(out)
}

async function qemuIo(uri: string, ...commands: readonly string[]): Promise<string> {
  const args = [
    '-f',
    'raw',
    '-d',
    'unmap',
    '-t',
    'writeback',
    ...commands.flatMap((line) => ['-c', line]),
    uri,
  ]
  const { stdout, stderr } = await run('qemu-io', args).catch((error) => error)
  return stdout + stderr
}

test('a disk that others rely on is written only by force', async (t) => {
  if (missing(t, 'qemu-io')) return
  const folder = newFolder(t)
  makeChain(folder)
  const base = join(folder, 'base.vhd')
  const { code, stderr } = await refusal(base, '--writable')
  assert.equal(code, 1)
  assert.match(stderr, /Other disks rely on what would change: \S+top\.vhd\./)
  const { uri, stop } = await serving(t, base, '--writable', '--force')
  assert.match(await qemuIo(uri, 'write -P 9 5M 64k'), /wrote 65536/)
  await stop()
})

test('a chain is read-only over a private socket: sizes, map, content, and nobody writes below it', async (t) => {
  if (missing(t, 'nbdinfo', 'nbdcopy', 'qemu-img', 'qemu-io')) return
  const folder = newFolder(t)
  const { top, raw } = makeChain(folder)
  const { uri, address, stop } = await serving(t, top)
  assert.equal(statSync(address.path!).mode & 0o777, 0o600)
  const [facts] = JSON.parse((await run('nbdinfo', ['--json', uri])).stdout).exports
  assert.deepEqual(
    [facts['export-size'], facts.is_read_only, facts.can_multi_conn, facts.can_fast_zero],
    [SIZE, true, true, false],
  )
  const map = JSON.parse((await run('nbdinfo', ['--map', '--json', uri])).stdout)
  assert.deepEqual(
    map.map((each: { offset: number; length: number; type: number }) => [
      each.offset,
      each.length,
      each.type,
    ]),
    // In whole blocks of 2 MiB below, and in sectors on top.
    [
      [0, 4 * MiB, 0],
      [4 * MiB, 4 * MiB, 3],
      [8 * MiB, 2 * MiB, 0],
      [10 * MiB, 10 * MiB, 3],
      [20 * MiB, MiB, 0],
      [21 * MiB, 3 * MiB, 3],
    ],
  )
  assert.ok((await copiedOut(uri, folder, '--connections=4')).equals(readFileSync(raw)))
  const compared = await run('qemu-img', ['compare', '-f', 'raw', '-F', 'raw', uri, raw])
  assert.match(compared.stdout, /identical/)
  assert.match(await qemuIo(uri, 'write 0 512'), /Permission denied|read-only/)
  for (const file of [top, join(folder, 'base.vhd')])
    assert.throws(() => openDiskFile(file, { writable: true }), { code: 'disk-in-use' })
  assert.equal(await stop('SIGINT'), 0)
  assert.ok(!existsSync(address.path!))
  openDiskFile(top, { writable: true }).close()
})

test('with --writable several connections write, discard and zero, over TCP, and it all is in the image', async (t) => {
  if (missing(t, 'nbdcopy', 'qemu-img', 'qemu-io')) return
  const folder = newFolder(t)
  const { raw } = makeChain(folder)
  const image = join(folder, 'target.vhd')
  createDiskFile(image, { subformat: 'dynamic', sizeBytes: SIZE })
  const { uri, stop, errors } = await serving(t, image, '--writable', '--port', '0')
  assert.match(errors(), /Every user of this computer can connect/)
  await run('nbdcopy', ['--connections=4', '--flush', raw, uri])
  assert.match((await run('qemu-img', ['info', '-f', 'raw', uri])).stdout, /24 MiB/)
  const output = await qemuIo(
    uri,
    'write -P 0xab 5M 1M',
    'write -f -P 0xcd 6M 4k',
    'write -z 5M 64k',
    'write -z -u 2M 64k',
    'discard 1M 128k',
    'read -P 0 5M 64k',
    'read -P 0xab 5184k 64k',
    'read -P 0 2M 64k',
    'read -P 0xcd 6M 4k',
    'flush',
  )
  assert.doesNotMatch(output, /fail|error/i)
  assert.equal(await stop(), 0)
  const disk = openDiskFile(image)
  const found = new Uint8Array(4096)
  disk.read(6 * MiB, found)
  assert.deepEqual(found, new Uint8Array(4096).fill(0xcd))
  disk.read(20 * MiB, found)
  assert.ok(
    readFileSync(raw)
      .subarray(20 * MiB, 20 * MiB + 4096)
      .equals(found),
  )
  disk.close()
  await run('qemu-img', ['convert', '-f', 'vpc', '-O', 'raw', image, join(folder, 'all.raw')])
})

for (const kept of [true, false]) {
  test(`with --undo the disk itself stays as it is, and the changes are ${kept ? 'kept' : 'thrown away'}`, async (t) => {
    if (missing(t, 'qemu-io', 'nbdcopy')) return
    const folder = newFolder(t)
    const { top, raw } = makeChain(folder)
    const before = [top, join(folder, 'base.vhd')].map((path) => readFileSync(path))
    const file = join(folder, 'changes.vhd')
    const { uri, stop, undo } = await serving(t, top, '--undo', ...(kept ? [file] : []))
    assert.ok(existsSync(undo!))
    assert.match(await qemuIo(uri, 'write -P 7 3M 100k', 'read -P 7 3M 100k', 'flush'), /wrote 102400/)
    assert.equal(await stop('SIGINT'), 0)
    assert.equal(existsSync(undo!), kept)
    for (const [index, path] of [top, join(folder, 'base.vhd')].entries())
      assert.ok(readFileSync(path).equals(before[index]!), path)
    if (!kept) return
    assert.match((await refusal(top, '--undo', file)).stderr, /exists/)
    const again = await serving(t, file)
    const expected = readFileSync(raw).fill(7, 3 * MiB, 3 * MiB + 102_400)
    assert.ok((await copiedOut(again.uri, folder)).equals(expected))
  })
}

test('an undo disk goes on top of any format', async (t) => {
  if (missing(t, 'qemu-img', 'qemu-io')) return
  const folder = newFolder(t)
  const { raw } = makeChain(folder)
  for (const [format, name] of [
    ['raw', 'disk.img'],
    ['qcow2', 'disk.qcow2'],
    ['vmdk', 'disk.vmdk'],
    ['vdi', 'disk.vdi'],
    ['vhdx', 'disk.vhdx'],
  ] as const) {
    const image = join(folder, name)
    await run('qemu-img', ['convert', '-f', 'raw', '-O', format, raw, image])
    const before = readFileSync(image)
    const { uri, stop } = await serving(t, image, '--undo')
    const output = await qemuIo(uri, 'write -P 9 2M 64k', 'read -P 9 2M 64k', 'flush')
    assert.doesNotMatch(output, /fail|error/i, format)
    const expected = readFileSync(raw).fill(9, 2 * MiB, 2 * MiB + 65_536)
    assert.ok((await copiedOut(uri, folder)).equals(expected), format)
    assert.equal(await stop(), 0)
    assert.ok(readFileSync(image).equals(before), format)
  }
})

test('several disks are listed by name; --once ends when the last client has gone', async (t) => {
  if (missing(t, 'nbdinfo', 'nbd-client')) return
  const folder = newFolder(t)
  const { top, raw } = makeChain(folder)
  const image = join(folder, 'plain.img')
  writeFileSync(image, readFileSync(raw))
  const { uris, child, address } = await serving(
    t,
    top,
    image,
    '--once',
    '--port',
    '0',
    '--name',
    'xp',
    '--name',
    'd',
  )
  const list = (await run('nbd-client', ['-l', '127.0.0.1', '-N', '', String(address.port)])).stdout
  assert.match(list, /xp\s+d/)
  assert.equal(child.exitCode, null, 'who only looks at the list is no client')
  for (const [index, name] of ['xp', 'd'].entries()) assert.equal(basename(uris[index]!), name)
  const first = new Promise((resolve) => child.once('exit', resolve))
  await run('nbdcopy', [uris[1]!, join(folder, 'out.raw')])
  assert.equal(await first, 0)
  assert.ok(readFileSync(join(folder, 'out.raw')).equals(readFileSync(raw)))
})

/** An authority, a server and a client that it knows, in the names of files that libnbd and QEMU look for. */
function makeCertificates(folder: string): string {
  mkdirSync(folder)
  const at = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca-cert.pem',
    '-subj',
    '/CN=test',
    '-days',
    '2',
  )
  for (const who of ['server', 'client']) {
    writeFileSync(at('names'), `subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=${who}Auth\n`)
    openssl('req', ...key, '-keyout', `${who}-key.pem`, '-out', 'request.pem', '-subj', `/CN=${who}`)
    const authority = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial']
    openssl(
      'x509',
      '-req',
      '-in',
      'request.pem',
      ...authority,
      '-out',
      `${who}-cert.pem`,
      '-extfile',
      'names',
      '-days',
      '2',
    )
  }
  return folder
}

test('over TLS with certificates: only clients that the authority knows, and nothing in the clear', async (t) => {
  if (missing(t, 'openssl', 'nbdinfo', 'nbdcopy', 'qemu-img')) return
  const folder = newFolder(t)
  const { top, raw } = makeChain(folder)
  const pki = makeCertificates(join(folder, 'pki'))
  const files = ['--tls-cert', join(pki, 'server-cert.pem'), '--tls-key', join(pki, 'server-key.pem')]
  const { uri, address, stop } = await serving(
    t,
    top,
    '--port',
    '0',
    ...files,
    '--tls-ca',
    join(pki, 'ca-cert.pem'),
  )
  assert.match(uri, /^nbds:/)
  const known = `${uri}?tls-certificates=${pki}`
  assert.match((await run('nbdinfo', [known])).stdout, /with TLS/)
  assert.ok((await copiedOut(known, folder, '--connections=4')).equals(readFileSync(raw)))
  const options = `driver=nbd,host=127.0.0.1,port=${address.port},tls-creds=tls0`
  const creds = `tls-creds-x509,id=tls0,dir=${pki},endpoint=client`
  const out = join(folder, 'qemu.raw')
  await run('qemu-img', ['convert', '--object', creds, '--image-opts', options, '-O', 'raw', out])
  assert.ok(readFileSync(out).equals(readFileSync(raw)))

  const stranger = join(folder, 'stranger')
  mkdirSync(stranger)
  writeFileSync(join(stranger, 'ca-cert.pem'), readFileSync(join(pki, 'ca-cert.pem')))
  await assert.rejects(run('nbdinfo', [`${uri}?tls-certificates=${stranger}`]), /alert|closed|reset/i)
  await assert.rejects(run('nbdinfo', ['--size', uri.replace('nbds', 'nbd')]), /requires TLS/)
  assert.equal(await stop(), 0)

  assert.match((await refusal(top, '--port', '0', ...files)).stderr, /--tls-ca .* --allow-anonymous/)
  const open = await serving(t, top, '--port', '0', ...files, '--allow-anonymous')
  assert.match((await run('nbdinfo', [`${open.uri}?tls-certificates=${stranger}`])).stdout, /with TLS/)
})

test('over TLS with shared keys: both directions, and no wrong key', async (t) => {
  if (missing(t, 'nbdinfo', 'nbdcopy', 'qemu-img')) return
  const folder = newFolder(t)
  const { raw } = makeChain(folder)
  const image = join(folder, 'target.vhd')
  createDiskFile(image, { subformat: 'dynamic', sizeBytes: SIZE })
  const keys = join(folder, 'keys.psk')
  writeFileSync(keys, `# ours\nalice:${'5a'.repeat(32)}\nbob:${'c3'.repeat(32)}\n`)
  const tls = ['--port', '0', '--writable', '--tls-psk', keys]
  assert.match((await refusal(image, ...tls)).stderr, /chmod 600/)
  execFileSync('chmod', ['600', keys])
  const { uri, address } = await serving(t, image, ...tls)
  const as = (name: string, file = keys) => `${uri.replace('//', `//${name}@`)}?tls-psk-file=${file}`
  await run('nbdcopy', ['--connections=4', '--flush', raw, as('alice')])
  assert.ok((await copiedOut(as('bob'), folder, '--connections=2')).equals(readFileSync(raw)))
  const creds = `tls-creds-psk,id=tls0,dir=${folder},endpoint=client,username=alice`
  const options = `driver=nbd,host=127.0.0.1,port=${address.port},tls-creds=tls0`
  assert.match((await run('qemu-img', ['info', '--object', creds, '--image-opts', options])).stdout, /24 MiB/)
  const wrong = join(folder, 'wrong.psk')
  writeFileSync(wrong, `alice:${'5b'.repeat(32)}\nmallory:${'5a'.repeat(32)}\n`)
  for (const name of ['alice', 'mallory']) await assert.rejects(run('nbdinfo', [as(name, wrong)]), /alert/)
  await assert.rejects(run('nbdinfo', ['--size', uri.replace('nbds', 'nbd')]), /requires TLS/)
})

test('what is sent behind STARTTLS in the clear ends the connection', async (t) => {
  if (missing(t, 'openssl')) return
  const folder = newFolder(t)
  const { top } = makeChain(folder)
  const pki = makeCertificates(join(folder, 'pki'))
  const files = ['--tls-cert', join(pki, 'server-cert.pem'), '--tls-key', join(pki, 'server-key.pem')]
  const { address } = await serving(t, top, '--port', '0', ...files, '--tls-ca', join(pki, 'ca-cert.pem'))
  const socket = net.connect(address.port!, '127.0.0.1')
  let answer = 0
  socket.on('data', (chunk) => {
    answer += chunk.length
  })
  socket.write(joined(uint(32, 3), option(5), greeting('', false).subarray(4)))
  await once(socket, 'close')
  assert.equal(answer, 18 + 20, 'the greeting, the answer to STARTTLS, and not one byte more')
})

test('other computers are served with TLS, or when it is said twice', async (t) => {
  const folder = newFolder(t)
  const { top } = makeChain(folder)
  const plain = await refusal(top, '--host', '0.0.0.0', '--port', '0')
  assert.equal(plain.code, 1)
  assert.match(plain.stderr, /--tls-cert.*--insecure/)
  const { errors } = await serving(t, top, '--host', '0.0.0.0', '--port', '0', '--insecure')
  assert.match(errors(), /Everybody who reaches this port can connect/)
  assert.equal((await refusal(top, '--port', '0', '--socket', 'x')).code, 2)
  assert.equal((await refusal(top, '--writable', '--undo')).code, 2)
  assert.equal((await refusal(join(folder, 'nobody.vhd'))).code, 2)
})

test('two that write to one disk are refused, also through a socket', async (t) => {
  const folder = newFolder(t)
  const { top } = makeChain(folder)
  const first = await serving(t, top, '--writable', '--socket', join(folder, 's'))
  const second = await refusal(top, '--writable')
  assert.equal(second.code, 1)
  assert.match(second.stderr, /in use/)
  assert.match((await refusal(top, '--socket', join(folder, 's'))).stderr, /in use/)
  assert.equal(await first.stop('SIGKILL'), 'SIGKILL')
  const third = await serving(t, top, '--writable', '--socket', join(folder, 's'))
  assert.equal(await third.stop(), 0)
})

test('serving ends in order, with 0, however often it is told to', async (t) => {
  const path = join(newFolder(t), 'twice.vhd')
  createDiskFile(path, { subformat: 'dynamic', sizeBytes: 4 * MiB })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const { child, stop } = await serving(t, path)
    // To the very last moment of the process: that is when Node takes its handlers away.
    const insisting = setInterval(() => child.kill(signal), 1)
    assert.equal(await stop(signal), 0)
    clearInterval(insisting)
  }
})
