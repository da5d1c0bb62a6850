import { readFileSync, statfsSync } from 'node:fs'
import { cpus, freemem, hostname, release, totalmem, type } from 'node:os'

/** Facts about this computer, for the Computer page (Virtual Server's "Physical computer properties"). */
export interface HostFacts {
  readonly hostName: string
  readonly operatingSystem: string
  readonly processor: string
  readonly logicalProcessors: number
  readonly memoryBytes: number
  readonly freeMemoryBytes: number
  readonly freeDiskBytes: number
}

/** `folder` names the file system whose free space counts. */
export function readHostFacts(folder: string): HostFacts {
  const processors = cpus()
  const disk = statfsSync(folder)
  return {
    hostName: hostname(),
    operatingSystem: `${operatingSystemName()} (${type()} ${release()})`,
    processor: processors[0]?.model.trim() ?? 'unknown',
    logicalProcessors: processors.length,
    memoryBytes: totalmem(),
    freeMemoryBytes: availableMemory(),
    freeDiskBytes: disk.bavail * disk.bsize,
  }
}

/** What a program could still get: Linux counts its caches as used in `freemem`. */
function availableMemory(): number {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo'))
  return match ? Number(match[1]) * 1024 : freemem()
}

function operatingSystemName(): string {
  return /^PRETTY_NAME="?([^"\n]+)"?$/m.exec(read('/etc/os-release'))?.[1] ?? type()
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
