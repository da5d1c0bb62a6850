import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { adoptSwitch, type SwitchClient, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'

/** Real DHCP clients, none of them ours, against the real switch process. */

/** iPXE as a network card's option ROM: boots from the network, which begins with DHCP. */
const IPXE = '/usr/lib/ipxe/qemu/pxe-e1000.rom'
const DHCP = { gateway: '10.244.0.1', dns: ['10.244.0.5'], wins: ['10.244.0.6'], domain: 'lab.example' }

function has(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** What a test cannot do without, as "command or file" -> what to call it. */
function needs(t: TestContext, wanted: Readonly<Record<string, string>>): boolean {
  for (const [thing, name] of Object.entries(wanted)) {
    if (thing.startsWith('/') ? existsSync(thing) : has(thing)) continue
    t.skip(`${name} is not here`)
    return false
  }
  return true
}

async function lab(t: TestContext) {
  const socketFolder = mkdtempSync(join(tmpdir(), 'vnet-'))
  t.after(async () => {
    await (await adoptSwitch(socketFolder))?.stop()
    rmSync(socketFolder, { recursive: true, force: true })
  })
  const leaseFile = join(socketFolder, 'leases.json')
  const networks: readonly SwitchNetwork[] = [{ name: 'Lab', key: 'lab', dhcp: DHCP, leaseFile }]
  const start = () => startSwitch({ socketFolder, networks })
  return { socketFolder, leaseFile, start, client: await start() }
}

function follow(t: TestContext, child: ChildProcess): ChildProcess {
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

function startGuest(t: TestContext, socket: string, mac: string): ChildProcess {
  const netdev = `stream,id=n,server=off,addr.type=unix,addr.path=${socket}`
  const card = `e1000,netdev=n,mac=${mac},romfile=${IPXE}`
  const args = ['-nodefaults', '-M', 'pc', '-accel', 'tcg', '-m', '32', '-display', 'none', '-boot', 'n']
  return follow(
    t,
    spawn('qemu-system-i386', [...args, '-netdev', netdev, '-device', card], { stdio: 'ignore' }),
  )
}

/** The leases, once so many are bound. */
async function boundLeases(client: SwitchClient, count: number): Promise<Map<string, string>> {
  for (;;) {
    const leases = (await client.status()).networks[0]?.services.dhcp?.leases ?? []
    const bound = leases.filter(({ state }) => state === 'bound')
    if (bound.length >= count) return new Map(bound.map(({ mac, address }) => [mac, address]))
    await delay(100)
  }
}

const TWO = ['00:03:ff:00:00:01', '00:03:ff:00:00:02'] as const

test('two machines get leases of their own, and the same ones after the switch has crashed', {
  timeout: 120_000,
}, async (t) => {
  if (!needs(t, { 'qemu-system-i386': 'qemu-system-i386', [IPXE]: 'ipxe-qemu' })) return
  const { leaseFile, start, client } = await lab(t)
  const guests = TWO.map((mac) => startGuest(t, client.socketOf('lab'), mac))
  const leases = await boundLeases(client, 2)
  assert.deepEqual([...leases.keys()].sort(), [...TWO])
  assert.deepEqual([...leases.values()].sort(), ['10.244.0.16', '10.244.0.17'])
  const { ports, stations } = (await client.status()).networks[0]!
  assert.equal(ports.length, 2)
  for (const mac of TWO) assert.ok(stations.some((station) => station.mac === mac))

  while (!TWO.every((mac) => readFileSync(leaseFile, 'utf8').includes(mac))) await delay(20)

  for (const guest of guests) guest.kill('SIGKILL')
  const gone = new Promise((resolve) => client.events.on('closed', () => resolve(undefined)))
  process.kill(client.identity.pid, 'SIGKILL')
  await gone
  const next = await start()
  const before = readFileSync(leaseFile, 'utf8')
  startGuest(t, next.socketOf('lab'), TWO[1])
  while (readFileSync(leaseFile, 'utf8') === before) await delay(100)
  assert.deepEqual(await boundLeases(next, 2), leases)
})

/**
 * A network namespace whose tap is plugged into the switch. QEMU is the cable: without a machine, its hub joins a
 * tap and a stream. The namespace is a user's own; no root is needed, nothing of the host is touched.
 */
function inNamespace(t: TestContext, folder: string, socket: string, commands: string): Promise<string> {
  const stream = `stream,id=s,server=off,addr.type=unix,addr.path=${socket}`
  const script = `set -e
ip link set lo up
ip tuntap add tap0 mode tap
ip link set tap0 address ${TWO[0]} up
qemu-system-i386 -M none -nodefaults -display none \\
  -netdev tap,id=t,ifname=tap0,script=no,downscript=no -netdev hubport,id=ht,hubid=0,netdev=t \\
  -netdev ${stream} -netdev hubport,id=hs,hubid=0,netdev=s 2>/dev/null &
cable=$!
trap 'kill $cable' EXIT
cd '${folder}'
${commands}
`
  const child = follow(t, spawn('unshare', ['--map-root-user', '--net', '--kill-child', 'sh', '-c', script]))
  let output = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  return once(child, 'close').then(([code]) => (code === 0 ? output : `${output}\n(ended with ${code})`))
}

/** Rights that a container may withhold. */
function hasNamespaces(t: TestContext): boolean {
  try {
    execFileSync('unshare', ['--map-root-user', '--net', 'ip', 'tuntap', 'add', 'tap0', 'mode', 'tap'], {
      stdio: 'ignore',
    })
    return true
  } catch {
    t.skip('a network namespace with a tap cannot be made here')
    return false
  }
}

const TAP = {
  'qemu-system-i386': 'qemu-system-i386',
  unshare: 'unshare',
  ip: 'ip',
  '/dev/net/tun': '/dev/net/tun',
}

test('udhcpc gets its lease with all settings, and pings the network’s host', {
  timeout: 60_000,
}, async (t) => {
  if (!needs(t, { ...TAP, busybox: 'busybox', udhcpc: 'udhcpc' }) || !hasNamespaces(t)) return
  const { socketFolder, client } = await lab(t)
  writeFileSync(
    join(socketFolder, 'told'),
    '#!/bin/sh\n[ "$1" != bound ] || { echo "$ip $subnet $router $dns $wins $domain $serverid $lease"; ip addr add $ip/24 dev tap0; }\n',
    { mode: 0o700 },
  )
  const commands = `udhcpc -i tap0 -f -q -n -t 8 -T 1 -s ./told -O wins -x hostname:lab-pc
busybox ping -c 3 -W 2 10.244.0.1`
  const output = await inNamespace(t, socketFolder, client.socketOf('lab'), commands)
  const settings = '10.244.0.16 255.255.255.0 10.244.0.1 10.244.0.5 10.244.0.6 lab.example 10.244.0.1 86400'
  assert.ok(output.includes(settings), output)
  assert.match(output, /3 packets transmitted, 3 packets received/)
  const [lease] = (await client.status()).networks[0]!.services.dhcp!.leases
  assert.deepEqual([lease?.hostName, lease?.mac], ['lab-pc', TWO[0]])
})

test('dhclient takes a lease and gives it back', { timeout: 60_000 }, async (t) => {
  if (!needs(t, { ...TAP, dhclient: 'isc-dhcp-client' }) || !hasNamespaces(t)) return
  const { socketFolder, client } = await lab(t)
  writeFileSync(
    join(socketFolder, 'told'),
    '#!/bin/sh\n[ "$reason" != BOUND ] || { echo "bound $new_ip_address $new_netbios_name_servers $new_broadcast_address"; ip addr add $new_ip_address/24 dev tap0; }\n',
    { mode: 0o700 },
  )
  const dhclient = `touch leases; dhclient -4 -1 -lf ${socketFolder}/leases -pf ${socketFolder}/pid -sf ${socketFolder}/told`
  const output = await inNamespace(
    t,
    socketFolder,
    client.socketOf('lab'),
    `${dhclient} tap0\n${dhclient} -r tap0`,
  )
  assert.ok(output.includes('bound 10.244.0.16 10.244.0.6 10.244.0.255'), output)
  const { leases, messages } = (await client.status()).networks[0]!.services.dhcp!
  assert.deepEqual([leases[0]?.state, messages.release], ['released', 1])
})
