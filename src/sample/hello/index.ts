import { makeMachine } from '../machine-folder.ts'
import type { BuiltSample, Sample, SampleOptions } from '../sample.ts'
import { HELLO_DISK_BYTES, helloPieces } from './image.ts'

const HELLO_MEMORY_MB = 32

export const hello: Sample = {
  name: 'hello',
  title: 'Hello',
  description:
    'A tiny guest of our own: shows the hardware it found, asks for a DHCP lease and echoes what you type.',
  build: buildHello,
}

/**
 * Makes "Hello.vmc" and "Hello.vhd" from the sources in samples/hello, with nothing but this package.
 * @throws VivariumError kind `conflict`, `denied` or `io`.
 */
export async function buildHello(folder: string, options: SampleOptions = {}): Promise<BuiltSample> {
  const { name = hello.title, diskType = 'dynamic', onProgress, signal } = options
  signal?.throwIfAborted()
  const built = await makeMachine(folder, {
    name,
    diskType,
    memoryMB: HELLO_MEMORY_MB,
    content: { sizeBytes: HELLO_DISK_BYTES, pieces: helloPieces },
    notes: 'Made by Vivarium from samples/hello. Type help in it.',
    ...(signal && { signal }),
  })
  onProgress?.(100, 'Hello is ready')
  return built
}
