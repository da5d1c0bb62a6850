import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { end } from './processes.ts'
import { missing } from './tools.ts'

/**
 * A station of a virtual network that is a real Linux: a network namespace whose tap is plugged into a socket of the
 * switch. QEMU is the cable: without a machine, its hub joins a tap and a stream. The namespace is a user's own (no
 * root is needed), and /etc, /run and the folders where DHCP clients keep their leases are its own too, so nothing
 * of the host is touched.
 *
 *     if (missingForNamespace(t, 'dhclient')) return
 *     const station = await plugNamespace(t, client.socketOf('lab'), { mac: '00:03:ff:00:00:01' })
 *     await station.run('dhclient', '-4', '-1', station.device)
 */
export interface NamespaceStation {
  /** Its network device, up. */
  readonly device: string
  readonly mac: string
  /** A folder of its own for files, removed after the test. */
  readonly folder: string
  /** Runs a command in it to its end. @returns what it wrote; throws with that when it fails or hangs. */
  run(command: string, ...args: readonly string[]): Promise<string>
  /** Starts a command in it; it is killed after the test, if it still runs. */
  start(command: string, ...args: readonly string[]): ChildProcess
  /** Pulls the cable and ends the namespace with all that runs in it. */
  unplug(): Promise<void>
}

export interface NamespaceOptions {
  readonly mac?: string
  /** Further shell commands while it is set up, such as `ip addr add 10.244.0.9/24 dev tap0`. */
  readonly setup?: string
}

const DEVICE = 'tap0'
/** No command of a test takes longer, or it hangs. */
const COMMAND_MS = 60_000
const PLUG_MS = 20_000
const CABLE = 'qemu-system-i386'

/** Skips the test where a tool, or the right to make such a namespace, is missing. */
export function missingForNamespace(t: TestContext, ...tools: readonly string[]): boolean {
  if (missing(t, CABLE, 'unshare', 'nsenter', 'ip', ...tools)) return true
  const probe = [...NEW_NAMESPACE, 'ip', 'tuntap', 'add', DEVICE, 'mode', 'tap']
  try {
    execFileSync('unshare', probe, { stdio: 'ignore' })
    return false
  } catch {
    t.skip('a network namespace with a tap cannot be made here')
    return true
  }
}

const NEW_NAMESPACE = ['--map-root-user', '--net', '--mount']

export async function plugNamespace(
  t: Pick<TestContext, 'after'>,
  socketPath: string,
  { mac = randomMac(), setup = '' }: NamespaceOptions = {},
): Promise<NamespaceStation> {
  const folder = mkdtempSync(join(tmpdir(), 'station-'))
  for (const own of ['etc', 'lib']) mkdirSync(join(folder, own))
  const holder = spawn('unshare', [...NEW_NAMESPACE, 'sh', '-ec', script(folder, socketPath, mac, setup)])
  const children = new Set<ChildProcess>([holder])
  const unplug = async () => {
    await Promise.all([...children].map((child) => end(child, 'SIGKILL')))
    rmSync(folder, { recursive: true, force: true })
  }
  t.after(unplug)
  await whenPlugged(holder)
  const enter = ['--target', String(holder.pid), '--user', '--net', '--mount', '--preserve-credentials', '--']
  return {
    ...{ device: DEVICE, mac, folder, unplug },
    run: (command, ...args) =>
      new Promise((resolve, reject) => {
        const options = { timeout: COMMAND_MS, killSignal: 'SIGKILL' } as const
        execFile('nsenter', [...enter, command, ...args], options, (error, stdout, stderr) => {
          if (error === null) resolve(stdout + stderr)
          else reject(new Error(`${[command, ...args].join(' ')}: ${error.message}\n${stdout}${stderr}`))
        })
      }),
    start(command, ...args) {
      const child = spawn('nsenter', [...enter, command, ...args])
      children.add(child)
      return child
    },
  }
}

/** The shell becomes the cable, so the namespace lives as long as the cable, and the child's number names it. */
function script(folder: string, socketPath: string, mac: string, setup: string): string {
  return `
cp -a /etc/. '${folder}/etc' 2>/dev/null || true
mount --bind '${folder}/etc' /etc
mount -t tmpfs tmpfs /run
for leases in /var/lib/dhcp /var/lib/dhcpcd; do [ ! -d $leases ] || mount --bind '${folder}/lib' $leases; done
ip link set lo up
ip tuntap add ${DEVICE} mode tap
ip link set ${DEVICE} address ${mac} up
${setup}
exec ${CABLE} -M none -nodefaults -display none -monitor stdio \\
  -netdev tap,id=t,ifname=${DEVICE},script=no,downscript=no -netdev hubport,id=ht,hubid=0,netdev=t \\
  -netdev stream,id=s,server=off,addr.type=unix,addr.path='${socketPath}' -netdev hubport,id=hs,hubid=0,netdev=s
`
}

/** The monitor speaks when the cable is plugged in at both ends. */
function whenPlugged(holder: ChildProcess): Promise<void> {
  let output = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const fail = (why: string) => reject(new Error(`The namespace was not plugged in: ${why}\n${output}`))
  const timer = setTimeout(() => fail('it takes too long'), PLUG_MS)
  const read = (chunk: Buffer) => {
    output += chunk
    if (output.includes('(qemu)')) resolve()
  }
  holder.stdout?.on('data', read)
  holder.stderr?.on('data', read)
  holder.once('error', (error) => fail(error.message))
  holder.once('exit', () => fail('its cable ended'))
  return promise.finally(() => clearTimeout(timer))
}

/** In Microsoft's range for virtual machines. */
function randomMac(): string {
  const byte = () =>
    Math.floor(Math.random() * 256)
      .toString(16)
      .padStart(2, '0')
  return ['00', '03', 'ff', byte(), byte(), byte()].join(':')
}
