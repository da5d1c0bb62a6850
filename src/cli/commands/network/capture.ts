import { openSync, rmSync, statSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { ReadableStream as NodeStream } from 'node:stream/web'
import type { Command } from 'commander'
import type { Client } from '../../../api/index.ts'
import { formatSize, VivariumError } from '../../../base/index.ts'
import type { CaptureFilter } from '../../../network/index.ts'
import { systemError, writeInOrder } from '../../../system/index.ts'
import { defineVerb, printJson } from '../../command.ts'
import { connect, findNetwork, openDownload } from '../../connection.ts'
import { pathOf } from '../../path.ts'
import { demandPipe } from '../../terminal.ts'

/** A timer of more would end at once. */
const MOST_SECONDS = 2_000_000

interface CaptureOptions {
  json?: boolean
  out?: string
  seconds?: string
  stop?: boolean
  port?: string
  mac?: string
  address?: string
  protocol?: string
  portNumber?: string
  snapLength?: string
}

export function addCapture(network: Command): void {
  defineVerb(network, 'capture <network>', 'record what passes in it, as pcapng')
    .option('--out <file>', 'here, until Ctrl-C ("-": standard output, for "| wireshark -k -i -")')
    .option('--seconds <number>', 'end after so long')
    .option('--stop', 'end what is recorded in the background')
    .option('--port <name>', 'only this port, both ways; see "network ports"')
    .option('--mac <address>', 'only from or to this MAC')
    .option('--address <address>', 'only from or to this IPv4 address')
    .option('--protocol <name>', 'only arp, ipv4, ipv6, icmp, tcp or udp')
    .option('--port-number <number>', 'only this TCP or UDP port')
    .option('--snap-length <bytes>', 'keep so much of each frame')
    .addHelpText('after', '\nWithout --out the server records into its captures folder until --stop.')
    .action(async (wanted: string, options: CaptureOptions) => {
      const client = connect()
      const { key } = await findNetwork(client, wanted)
      if (options.stop) return stop(client, key, options.json)
      const seconds = secondsOf(options.seconds)
      await demandPort(client, key, options.port)
      if (options.out !== undefined) return receive(key, options.out, seconds, options)
      const started = await client('startCapture', {
        key,
        filter: filterOf(options),
        ...(seconds !== undefined && { maximumSeconds: seconds }),
      })
      if (options.json) printJson(started)
      else console.log(`It is recorded in ${started.path}`)
    })
}

async function stop(client: Client, key: string, json: boolean | undefined): Promise<void> {
  const running = (await client('captures', {})).filter(({ network, path }) => network === key && path)
  if (running.length === 0) {
    throw new VivariumError('conflict', 'no-capture', 'Nothing is recorded in this network now.', {
      next: 'Start it with "vivarium network capture".',
    })
  }
  const stopped = []
  for (const { id } of running) stopped.push(await client('stopCapture', { id }))
  if (json) printJson(stopped)
  else for (const { path, framesCaptured } of stopped) console.log(`${framesCaptured} frames are in ${path}`)
}

/** @throws VivariumError kind `invalid`. */
function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = Number(text)
  if (seconds > 0 && seconds <= MOST_SECONDS) return seconds
  throw new VivariumError(
    'invalid',
    'usage',
    `"${text}" is no number of seconds from 1 to ${MOST_SECONDS}.`,
    {
      where: { field: '--seconds' },
      next: 'Without --seconds it is recorded until Ctrl-C, or until --stop.',
    },
  )
}

/** Ports are known by their names, those of machines that are off too. @throws VivariumError kind `not-found`. */
async function demandPort(client: Client, key: string, port: string | undefined): Promise<void> {
  if (port === undefined) return
  const { status, adapters } = await client('network', { key })
  const ports = [...(status?.ports ?? []).map(({ name }) => name), ...adapters.map((adapter) => adapter.port)]
  if (ports.includes(port)) return
  throw new VivariumError('not-found', 'port-not-found', `There is no port "${port}" in this network.`, {
    where: { field: '--port' },
    next: ports.length === 0 ? 'Nothing is plugged in.' : `There are: ${[...new Set(ports)].join(', ')}.`,
  })
}

async function receive(
  key: string,
  out: string,
  seconds: number | undefined,
  options: CaptureOptions,
): Promise<void> {
  if (out === '-') demandPipe('A capture')
  const path = out === '-' ? undefined : pathOf(out)
  // Made before anything is asked of the server, so that a name that is taken is told at once.
  const target = path === undefined ? 1 : openNew(path)
  const ending = new AbortController()
  const end = () => ending.abort()
  process.once('SIGINT', end)
  let timer: NodeJS.Timeout | undefined
  try {
    const query = new URLSearchParams(
      Object.entries(filterOf(options)).map(([name, value]): [string, string] => [name, String(value)]),
    )
    const body = await openDownload(`/api/networks/${key}/capture.pcapng?${query}`, ending.signal)
    if (seconds !== undefined) timer = setTimeout(end, seconds * 1000)
    await writeInOrder(target, Readable.fromWeb(body as NodeStream), path ?? 'standard output')
  } catch (error) {
    // It was told to end; whoever reads a pipe may go too.
    const isPipe = error instanceof VivariumError && error.code === 'host-epipe'
    if (!ending.signal.aborted && !isPipe) {
      if (path !== undefined && statSync(path).size === 0) rmSync(path)
      throw error
    }
  } finally {
    clearTimeout(timer)
    process.removeListener('SIGINT', end)
    ending.abort()
  }
  if (path !== undefined) console.error(`${formatSize(statSync(path).size)} are in ${path}`)
}

/** @throws VivariumError kind `conflict` where there is a file already. */
function openNew(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    throw systemError(error, path)
  }
}

function filterOf({ port, mac, address, protocol, portNumber, snapLength }: CaptureOptions): CaptureFilter {
  return {
    ...(port !== undefined && { port }),
    ...(mac !== undefined && { mac }),
    ...(address !== undefined && { address }),
    ...(protocol !== undefined && { protocol: protocol as 'tcp' }),
    ...(portNumber !== undefined && { portNumber: Number(portNumber) }),
    ...(snapLength !== undefined && { snapLength: Number(snapLength) }),
  }
}
