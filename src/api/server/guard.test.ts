import assert from 'node:assert/strict'
import { hostname, networkInterfaces } from 'node:os'
import { test } from 'node:test'
import type { Sessions } from '../../server/index.ts'
import { callerOf, Guard } from './guard.ts'
import { canonicalHost, namesOf, reachableHost } from './host-names.ts'

const nobody = { isCliToken: () => false, userOf: () => undefined } as unknown as Sessions
const knows = (names: readonly string[], host: string) =>
  new Guard(nobody, () => names).isKnownHost(callerOf((name) => (name === 'host' ? host : undefined)))

test('a server is known by its names only, with and without a port', () => {
  for (const host of ['localhost', 'LOCALHOST:80', '127.0.0.1:1024', '[::1]:1024', 'old.lan', '[fd00::2]:1'])
    assert.ok(knows(['Old.lan', 'fd00:0::2'], host), host)
  for (const host of ['', 'evil.example', 'localhost.evil.example', '0.0.0.0:1024', '[fd00::3]', 'old.lan:a'])
    assert.ok(!knows(['Old.lan', 'fd00::2'], host), host)
})

test('on every interface it is known by all addresses and names of the computer', () => {
  for (const wildcard of ['0.0.0.0', '::', '0', '[::]']) {
    const names = namesOf(wildcard)
    for (const { address, family, scopeid } of Object.values(networkInterfaces()).flatMap(
      (some) => some ?? [],
    ))
      assert.ok(knows(names, family === 'IPv6' ? `[${address}]:1024` : address), `${address} ${scopeid}`)
    assert.ok(knows(names, `${hostname()}:1024`))
    assert.ok(!knows(names, 'evil.example'))
    assert.match(reachableHost(wildcard), /^[1-9]\d*(\.\d+){3}$/)
  }
  assert.ok(!knows(namesOf('127.0.0.1'), hostname()))
})

test('hosts are written as in a URL, and nothing else passes for one', () => {
  assert.equal(canonicalHost('::1'), '[::1]')
  assert.equal(canonicalHost('[::1]'), '[::1]')
  assert.equal(canonicalHost('Old.LAN'), 'old.lan')
  for (const name of ['', 'a b', 'a/b', 'a@b', '1:2', '999.1.1.1'])
    assert.equal(canonicalHost(name), undefined)
})
