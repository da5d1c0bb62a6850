import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { EmscriptenFs, SevenZipModule } from './emscripten.ts'
import { OUTPUT_FOLDER, type Output, outputFolder } from './output-folder.ts'
import { type DiskTrouble, type VolumePlace, volumeFolder } from './volume-file.ts'

/** Its own memory, all of which a damaged file system can make it ask for. */
const MAX_MEMORY_BYTES = 768 << 20
const PAGE_BYTES = 64 << 10
/** What it says of errors, as far as it is of use. */
const MAX_ERROR_LINES = 20

export interface SevenZipResult {
  /** 0 done, 1 with warnings, 2 with errors. */
  readonly code: number
  readonly errors: readonly string[]
  /** Lines that `excuses` took. */
  readonly excused: number
  readonly trouble: DiskTrouble
}

export interface SevenZipOutputs {
  /** What it prints. */
  readonly print?: (bytes: Uint8Array) => void
  /** What it writes into `OUTPUT_FOLDER`. */
  readonly output?: Output
  /** Lines of its errors that mean nothing: there may be thousands, and the others are wanted. */
  readonly excuses?: (line: string) => boolean
}

/**
 * Runs 7-Zip on a volume, which it sees as `/in/volume`. It is a program for one run, so each run gets an instance
 * of its own, made from the once compiled module in some milliseconds.
 */
export async function runSevenZip(
  volume: VolumePlace,
  args: readonly string[],
  { print, output, excuses }: SevenZipOutputs,
): Promise<SevenZipResult> {
  const errors: string[] = []
  const trouble: DiskTrouble = {}
  let excused = 0
  const { FS, callMain } = await instantiate((line) => {
    if (excuses?.(line.trim())) excused++
    else if (errors.length < MAX_ERROR_LINES && line.trim() !== '') errors.push(line.trim().slice(0, 500))
  })
  // Set after the start: the streams of the C library are the first three.
  const stdout = FS.streams[1]!
  stdout.stream_ops = {
    write(_stream, buffer, at, length) {
      print?.(new Uint8Array(buffer.buffer, buffer.byteOffset + at, length))
      return length
    },
  }
  mount(FS, '/in', volumeFolder(FS, volume, trouble))
  if (output !== undefined) mount(FS, OUTPUT_FOLDER, outputFolder(FS, output))
  const code = callMain([...args])
  return { code, errors, excused, trouble }
}

function mount(fs: EmscriptenFs, path: string, type: Parameters<EmscriptenFs['mount']>[0]): void {
  fs.mkdir(path)
  fs.mount(type, {}, path)
}

type Factory = (options: object) => Promise<SevenZipModule>
let loaded: { readonly factory: Factory; readonly module: WebAssembly.Module } | undefined

/** The package is LGPL: it is used as it is, from its own folder. */
function load() {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const module = new WebAssembly.Module(readFileSync(require.resolve('7z-wasm/7zz.wasm')))
  loaded = { factory: require('7z-wasm') as Factory, module }
  return loaded
}

function instantiate(error: (line: string) => void): Promise<SevenZipModule> {
  const { factory, module } = load()
  return factory({
    print: () => undefined,
    printErr: error,
    stdin: () => null,
    quit: (_status: number, thrown: unknown) => {
      throw thrown
    },
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void) {
      const instance = new WebAssembly.Instance(module, imports)
      limitMemory(instance.exports.memory as WebAssembly.Memory)
      done(instance)
      return {}
    },
  })
}

/** Refused memory is what 7-Zip knows how to handle: it ends with an error. */
function limitMemory(memory: WebAssembly.Memory): void {
  const grow = memory.grow.bind(memory)
  memory.grow = (pages) => {
    if (memory.buffer.byteLength + pages * PAGE_BYTES > MAX_MEMORY_BYTES)
      throw new RangeError('7-Zip has as much memory as it may have')
    return grow(pages)
  }
}
