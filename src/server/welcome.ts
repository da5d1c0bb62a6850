import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { samples } from '../sample/index.ts'
import { makeFolder } from '../system/index.ts'
import type { Machines } from './machines.ts'
import type { Registry } from './registry.ts'

const SETTING = 'welcomed'

/** A fresh data folder gets the Hello machine, once: whoever removes it does not get it back. */
export async function welcome(machines: Machines, registry: Registry, library: string): Promise<void> {
  if (registry.setting(SETTING) !== undefined) return
  const hello = samples.find(({ name }) => name === 'hello')!
  const folder = join(library, hello.title)
  const path = join(folder, `${hello.title}.vmc`)
  // A crash between building and registering leaves the files; they are good.
  if (!existsSync(path)) {
    makeFolder(folder, 0o700)
    await hello.build(folder)
  }
  if (registry.findByPath(path) === undefined) await machines.add(path)
  registry.setSetting(SETTING, new Date().toISOString())
}
