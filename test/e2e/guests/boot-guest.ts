import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { end } from '../processes.ts'

/** Machines that boot from a virtual network, as QEMU with nothing but a network card, and what they load. */

/** A guest with a serial console. */
export interface BootGuest {
  readonly process: ChildProcess
  /** All that its serial port said. */
  readonly output: string
  /** Waits until it has said that. @throws with all that it said, after the time or its end */
  says(text: string | RegExp): Promise<void>
}

export interface BootGuestOptions {
  readonly socket: string
  /** Default: `qemu-system-i386`. */
  readonly program?: string
  readonly mac?: string
  /** QEMU's name of the card. */
  readonly card?: string
  /** Further arguments. */
  readonly more?: readonly string[]
  readonly memoryMb?: number
  readonly timeoutMs?: number
}

export function startBootGuest(t: TestContext, options: BootGuestOptions): BootGuest {
  const { socket, mac = '00:03:ff:00:00:01', card = 'e1000', more = [], memoryMb = 192 } = options
  const child = spawn(options.program ?? 'qemu-system-i386', [
    ...['-nodefaults', '-M', 'pc', '-accel', 'tcg', '-m', String(memoryMb), '-display', 'none', '-boot', 'n'],
    ...['-serial', 'stdio', '-netdev', `stream,id=n,server=off,addr.type=unix,addr.path=${socket}`],
    ...['-device', `${card},netdev=n,mac=${mac}`, ...more],
  ])
  t.after(() => end(child, 'SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('latin1').on('data', (text: string) => {
      output += text
    })
  return {
    process: child,
    get output() {
      return output
    },
    async says(text) {
      const isSaid = () => (typeof text === 'string' ? output.includes(text) : text.test(output))
      for (const end = Date.now() + (options.timeoutMs ?? 240_000); !isSaid(); ) {
        if (Date.now() > end || child.exitCode !== null)
          throw new Error(`The guest did not say ${text}, but:\n${output.slice(-4000)}`)
        await delay(50)
      }
    },
  }
}

/** Linux as the installer has it: small, and with the drivers of nothing. */
export const LINUX = '/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386/linux'

/** What the guest says when it got all the way to its first program. */
export const GREETING = 'booted from the network'

/** An initrd whose only program greets on the console and turns the machine off. */
export function writeGreetingInitrd(folder: string, path: string): void {
  const source = `
        global _start
        section .text
_start: mov eax, 4              ; write
        mov ebx, 1
        mov ecx, text
        mov edx, length
        int 0x80
        mov eax, 88             ; reboot: LINUX_REBOOT_CMD_POWER_OFF
        mov ebx, 0xfee1dead
        mov ecx, 672274793
        mov edx, 0x4321fedc
        int 0x80
        jmp $
        section .rodata
text:   db "${GREETING}", 10
length  equ $ - text
`
  const root = join(folder, 'initrd')
  mkdirSync(join(root, 'dev'), { recursive: true })
  writeFileSync(join(folder, 'init.asm'), source)
  execFileSync('nasm', ['-felf32', join(folder, 'init.asm'), '-o', join(folder, 'init.o')])
  execFileSync('ld', ['-melf_i386', '-s', join(folder, 'init.o'), '-o', join(root, 'init')])
  const console = Buffer.from(cpioEntry('dev/console', 0o020600, Buffer.alloc(0), [5, 1]))
  const init = execFileSync('cat', [join(root, 'init')])
  const parts = [
    cpioEntry('dev', 0o040755, Buffer.alloc(0)),
    console,
    cpioEntry('init', 0o100755, init),
    cpioEntry('TRAILER!!!', 0, Buffer.alloc(0)),
  ]
  writeFileSync(path, Buffer.concat(parts))
}

/** The "new ASCII" format of cpio (Linux, Documentation/driver-api/early-userspace/buffer-format.rst). */
function cpioEntry(
  name: string,
  mode: number,
  bytes: Buffer,
  device: readonly [number, number] = [0, 0],
): Buffer {
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  const fields = [1, mode, 0, 0, 1, 0, bytes.length, 0, 0, ...device, name.length + 1, 0]
  const head = Buffer.from(`070701${fields.map(hex).join('')}${name}\0`, 'latin1')
  const padded = (part: Buffer) => Buffer.concat([part, Buffer.alloc(-part.length & 3)])
  return Buffer.concat([padded(head), padded(bytes)])
}
