import assert from 'node:assert/strict'
import { test } from 'node:test'
import { carriedOver, parseSources } from './apt-host.ts'

test('both formats of apt sources are read', () => {
  const oneLine = `
# deb http://old.example/debian stable main
deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb cdrom:[Debian]/ bookworm main
`
  assert.deepEqual(parseSources('/etc/apt/sources.list', oneLine), [
    { uri: 'http://mirror.example/debian', suite: 'bookworm' },
  ])
  const deb822 = `# a comment
Types: deb deb-src
URIs: https://a.example/debian/
 https://b.example/debian
Suites: trixie trixie-updates
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: sid
`
  assert.deepEqual(parseSources('x.sources', deb822), [
    { uri: 'https://a.example/debian/', suite: 'trixie' },
    { uri: 'https://a.example/debian/', suite: 'trixie-updates' },
    { uri: 'https://b.example/debian', suite: 'trixie' },
    { uri: 'https://b.example/debian', suite: 'trixie-updates' },
  ])
  assert.deepEqual(parseSources('readme.txt', oneLine), [])
})

test('of the settings of apt only those that reach a mirror are carried over', () => {
  const dump = `Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::Check-Valid-Until "false";
Acquire::Languages:: "en";
Acquire::cdrom::mount "/media/cdrom/";
`
  assert.equal(
    carriedOver(dump),
    'Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::Check-Valid-Until "false";\n',
  )
})
