import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Kind, make, plain, shows } from './pattern.ts'
import type { Scene } from './stage.ts'

const DAMAGE: Readonly<Record<string, (path: string) => void>> = {
  vhd(path) {
    const bytes = readFileSync(path)
    bytes.writeUInt32BE(7, 512 + 36)
    writeFileSync(path, bytes)
    truncateSync(path, bytes.length - 512)
  },
  vhdx: (path) => edit(path, (bytes) => bytes.fill(9, 64 << 10, (64 << 10) + 64)),
  qcow2: (path) => edit(path, (bytes) => bytes.fill(0xff, 48, 56)),
  vdi: (path) => edit(path, (bytes) => bytes.fill(0, 0x184, 0x188)),
}

function edit(path: string, change: (bytes: Buffer) => unknown): void {
  const bytes = readFileSync(path)
  change(bytes)
  writeFileSync(path, bytes)
}

export function repairing(kind: Kind): Scene {
  const name = `disk.${kind.format}`
  return {
    title: `repair of a ${kind.format}`,
    operation: 'repair',
    prepare(folder, sizeBytes) {
      make(join(folder, name), kind, sizeBytes)
      DAMAGE[kind.format]?.(join(folder, name))
      return { path: join(folder, name) }
    },
    // A damaged disk shows something or nothing; what counts is that the next repair brings it back.
    check: () => undefined,
    checkDone: (folder, sizeBytes) => shows(join(folder, name), sizeBytes, plain),
    done: [name, `${name}.repair-backup.json`],
  }
}
