import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocket } from 'ws'
import { bin, machineNamed, newFolder, type ServerProcess, startServer } from './server-process.ts'

/** The server's door: what a stranger, or a signed-in client gone wrong, can send it. */

interface Answer {
  readonly status: number
  readonly text: string
  readonly cookie: string | undefined
}

/** A request as it stands: `fetch` would tidy the path and the headers up. */
async function send(
  server: ServerProcess,
  method: string,
  path: string,
  options: { headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(server.url)
  const outgoing = request({ hostname, port, method, path, headers: options.headers ?? {} })
  outgoing.end(options.body)
  const [incoming] = await once(outgoing, 'response')
  let text = ''
  for await (const chunk of incoming) text += chunk
  return { status: incoming.statusCode, text, cookie: incoming.headers['set-cookie']?.[0]?.split(';')[0] }
}

test('a body without an end is refused before it fills the memory', async (t) => {
  const server = await startServer(t, newFolder(t))
  const { hostname, port, host } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  let answer = ''
  let isClosed = false
  socket.on('data', (data) => {
    answer += data
  })
  socket.on('error', () => {}) // the server hangs up on what is still on its way
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      isClosed = true
      resolve()
    })
  })
  socket.write(
    `POST /sign-in HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  const chunk = `100000\r\n${' '.repeat(0x100000)}\r\n`
  socket.write(chunk + chunk)
  // Its answer is read before more is sent: a host throws away what came for a connection that is reset.
  await Promise.race([once(socket, 'data'), closed])
  for (let sent = 2; sent < 400 && !isClosed; sent++) {
    if (!socket.write(chunk))
      await Promise.race([new Promise((resolve) => socket.once('drain', resolve)), closed])
  }
  await closed
  assert.match(answer, /^HTTP\/1.1 413 /)
  assert.match(answer, /"code":"body-too-large"/)
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1]
  assert.ok(Number(peak) < 500 * 1024, `${peak} kB`)
})

async function signIn(server: ServerProcess): Promise<string> {
  const { url } = await server.client('newSignInLink', {})
  const answer = await send(server, 'POST', '/sign-in', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ key: url.split('#')[1] }),
  })
  assert.equal(answer.status, 200)
  return answer.cookie!
}

async function openSocket(server: ServerProcess, path: string, cookie: string): Promise<WebSocket> {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers: { cookie } })
  await once(socket, 'open')
  return socket
}

/** The HTTP status of an upgrade that is refused, sent as it stands. */
async function refusalOf(server: ServerProcess, path: string, cookie: string): Promise<number> {
  const { hostname, port } = new URL(server.url)
  const outgoing = request({
    hostname,
    port,
    path,
    headers: {
      cookie,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    },
  })
  outgoing.end()
  const [incoming] = await once(outgoing, 'response')
  incoming.resume()
  return incoming.statusCode
}

test('a request for an address that cannot be read is refused, and the server lives on', async (t) => {
  const server = await startServer(t, newFolder(t))
  const cookie = await signIn(server)
  assert.equal(await refusalOf(server, '//', cookie), 400)
  assert.equal(await refusalOf(server, '//', ''), 401)
  assert.equal(await refusalOf(server, '/api/machines/none/console', cookie), 404)
  for (const path of ['/%', '/%zz.js', '/%c0%ae.js', '/%00.js', '/assets/%00', '/%25%']) {
    const answer = await send(server, 'GET', path, { headers: { cookie } })
    assert.equal(answer.status, 400, path)
    assert.equal(JSON.parse(answer.text).error.code, 'invalid-address', path)
  }
  for (const path of [
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/%252e%252e%252fpackage.json',
  ])
    assert.equal((await send(server, 'GET', path, { headers: { cookie } })).status, 404, path)
  await send(server, 'GET', '//', { headers: { cookie } })
  assert.equal((await send(server, 'GET', '/api/host', { headers: { cookie } })).status, 200)
  assert.doesNotMatch(server.errors(), /\n\s+at /)
})

test('signing out closes what the session has open, and nothing of the others', async (t) => {
  const server = await startServer(t, newFolder(t))
  const [leaving, staying] = [await signIn(server), await signIn(server)]
  const { id } = await machineNamed(server.client, 'Hello')
  await server.client('startMachine', { id })
  const open = [
    await openSocket(server, '/api/live', leaving),
    await openSocket(server, `/api/machines/${id}/console`, leaving),
  ]
  const other = await openSocket(server, '/api/live', staying)
  const closed = Promise.all(open.map((socket) => once(socket, 'close')))
  assert.equal((await send(server, 'POST', '/api/sign-out', { headers: { cookie: leaving } })).status, 200)
  assert.deepEqual(
    (await closed).map(([code]) => code),
    [1008, 1008],
  )
  assert.equal(other.readyState, WebSocket.OPEN)
  assert.equal(await refusalOf(server, '/api/live', leaving), 401)
  other.terminate()
})

test('there is an end to the WebSockets that may be open', async (t) => {
  const server = await startServer(t, newFolder(t))
  const cookie = await signIn(server)
  const open = await Promise.all(Array.from({ length: 200 }, () => openSocket(server, '/api/live', cookie)))
  assert.equal(await refusalOf(server, '/api/live', cookie), 503)
  for (const socket of open) socket.terminate()
})

test('a path with NUL is refused as invalid', async (t) => {
  const { client } = await startServer(t, newFolder(t))
  const invalid = { kind: 'invalid', code: 'invalid-input' }
  const path = '/tmp/a\0b'
  await assert.rejects(client('folder', { path }), invalid)
  await assert.rejects(client('inspect', { path }), invalid)
  await assert.rejects(client('addMachine', { path }), invalid)
  await assert.rejects(client('createMachine', { name: 'Old', location: path }), invalid)
})

test('on every interface, the printed link works, and so do the names given', async (t) => {
  const server = await startServer(t, newFolder(t), ['--host', '0.0.0.0', '--name', 'Old.example'])
  const { hostname, port } = new URL(server.url)
  assert.notEqual(hostname, '0.0.0.0')
  assert.equal((await fetch(`${server.url}/sign-in`)).status, 200)
  assert.equal((await server.client('session', {})).user, 'command line')
  const statusFor = async (host: string) =>
    (await send(server, 'GET', '/sign-in', { headers: { host } })).status
  assert.equal(await statusFor(`old.example:${port}`), 200)
  assert.equal(await statusFor(`evil.example:${port}`), 421)
})

test('a host that cannot be listened on is told at --host', async (t) => {
  const data = newFolder(t)
  await assert.rejects(startServer(t, data, ['--host', '192.0.2.1']), /--host: 192\.0\.2\.1 .*EADDRNOTAVAIL/)
  await assert.rejects(startServer(t, data, ['--host', 'http://a']), /--host: .*no host name/)
})

/** The built-in command line, without a server. */
function vivarium(t: TestContext, args: readonly string[]) {
  return spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    env: { ...process.env, VIVARIUM_DATA: newFolder(t) },
  })
}

test('wrong usage is told in words, and with --json as a document too', (t) => {
  const wrong = [
    [['machine', 'show'], 'usage', /missing required argument/],
    [['inspect'], 'usage', /missing required argument/],
    [['machine', 'list', '--colour'], 'usage', /unknown option '--colour'/],
    [['machine', 'stop', 'Hello', '--undo', 'maybe'], 'usage', /Allowed choices are/],
    [['machine', 'new', 'Toy', '--memory', 'lots'], 'usage', /It is not a whole number/],
    [['machine', 'dance'], 'usage', /unknown command 'dance'/],
    [['dance'], 'usage', /There is no command "dance"/],
    [['help', '__proto__'], 'usage', /There is no command "__proto__"/],
    [['help', 'constructor'], 'usage', /There is no command "constructor"/],
    [['machine', 'cd', 'Hello', '--position', '9:9'], 'invalid-position', /"9:9" is no position/],
  ] as const
  for (const [args, code, message] of wrong) {
    const plain = vivarium(t, args)
    assert.deepEqual([plain.status, plain.stdout], [2, ''], args.join(' '))
    assert.match(plain.stderr, message)
    const json = vivarium(t, [...args, '--json'])
    assert.equal(json.status, 2, args.join(' '))
    assert.match(json.stderr, message)
    const { error } = JSON.parse(json.stdout)
    assert.deepEqual([error.kind, error.code], ['invalid', code], args.join(' '))
    assert.match(error.message, message)
  }
})
