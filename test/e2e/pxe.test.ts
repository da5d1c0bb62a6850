import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bootLab } from './boot-lab.ts'
import { missingForNamespace, plugNamespace } from './namespace.ts'

/** The boot folder of a network, as clients of other makers read it. */

const bigBytes = (length: number) =>
  Buffer.from(Uint8Array.from({ length }, (_, index) => (index ^ (index >>> 7) ^ (index >>> 15)) & 0xff))
const BIG = bigBytes(3_000_000)

async function clientLab(t: TestContext) {
  const lab = await bootLab(
    t,
    { entries: [{ title: 'Linux', kernel: 'linux' }] },
    { address: '10.244.0.1/24' },
  )
  mkdirSync(join(lab.folder, 'images'))
  writeFileSync(join(lab.folder, 'images/big file.bin'), BIG)
  writeFileSync(join(lab.folder, 'hello.txt'), 'hello\n')
  return lab
}

const ADDRESS = { setup: 'ip addr add 10.244.0.9/24 dev tap0' }

test('curl reads the boot folder by HTTP: whole, in part, many at once', async (t) => {
  if (missingForNamespace(t, 'curl')) return
  const { client, status } = await clientLab(t)
  const station = await plugNamespace(t, client.socketOf('lab'), ADDRESS)
  const out = join(station.folder, 'out')
  const curl = (...args: string[]) => station.run('curl', '-sS', '--max-time', '50', ...args)
  const url = 'http://10.244.0.1'
  await curl('-f', '-o', out, `${url}/images/big%20file.bin`)
  assert.ok(readFileSync(out).equals(BIG))
  await curl('-f', '-o', out, '-r', '1000000-1999999', `${url}/Images/BIG%20file.bin`)
  assert.ok(readFileSync(out).equals(BIG.subarray(1_000_000, 2_000_000)))
  assert.match(await curl('-I', `${url}/hello.txt`), /^HTTP\/1\.1 200 OK\r\n[\s\S]*Content-Length: 6\r\n/)
  assert.match(await curl(`${url}/boot.ipxe`), /^#!ipxe\n[\s\S]*kernel http:\/\/10\.244\.0\.1\/linux/)
  const codes = await curl('-o', out, '-w', '%{http_code} ', '--path-as-is', `${url}/../x`, `${url}/nothing`)
  assert.match(codes, /404/)
  const many = Array.from({ length: 8 }, (_, index) => [
    '-o',
    `${out}${index}`,
    `${url}/images/big%20file.bin`,
  ])
  await curl('-f', '--parallel', '--parallel-immediate', ...many.flat())
  for (const index of many.keys()) assert.ok(readFileSync(`${out}${index}`).equals(BIG), `${index}`)
  const { host, services } = await status()
  assert.ok(services.pxe!.requests.some(({ protocol, outcome }) => protocol === 'http' && outcome === 'done'))
  assert.equal(host?.tcp.turnedAway, 0)
})

test('curl and atftp read it by TFTP, with blocks and windows of their own', async (t) => {
  if (missingForNamespace(t, 'curl', 'atftp')) return
  const { client } = await clientLab(t)
  const station = await plugNamespace(t, client.socketOf('lab'), ADDRESS)
  const out = join(station.folder, 'out')
  const url = 'tftp://10.244.0.1/images/big%20file.bin'
  for (const blockBytes of ['512', '1400', '9000']) {
    await station.run('curl', '-sS', '--max-time', '50', '--tftp-blksize', blockBytes, '-o', out, url)
    assert.ok(readFileSync(out).equals(BIG), blockBytes)
  }
  const windowed = ['--option', 'windowsize 16', '--option', 'blksize 1400', '--option', 'tsize 0']
  const get = ['--get', '-r', 'images/big file.bin', '-l', out, '10.244.0.1']
  await station.run('atftp', ...windowed, ...get)
  assert.ok(readFileSync(out).equals(BIG))
  await assert.rejects(station.run('atftp', '--get', '-r', '../x', '-l', out, '10.244.0.1'))
  const put = ['--put', '-l', '/etc/hostname', '-r', 'x', '10.244.0.1']
  await assert.rejects(station.run('atftp', ...put), /cannot be written|Nothing can be written/)
})
