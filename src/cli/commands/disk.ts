import { defineCommand, runCommand } from '../command.ts'
import { cat } from './disk/cat.ts'
import { clone } from './disk/clone.ts'
import { compact } from './disk/compact.ts'
import { compare } from './disk/compare.ts'
import { convert } from './disk/convert.ts'
import { cp } from './disk/cp.ts'
import { create } from './disk/create.ts'
import { expand } from './disk/expand.ts'
import { ls } from './disk/ls.ts'
import { merge } from './disk/merge.ts'
import { profiles } from './disk/profiles.ts'
import { repair } from './disk/repair.ts'
import { reparent } from './disk/reparent.ts'
import { serve } from './disk/serve.ts'
import { split } from './disk/split.ts'
import type { DiskVerb } from './disk/verb.ts'

/** Every verb below `vivarium disk`: a file in `disk/` and a line here. */
const VERBS: readonly DiskVerb[] = [
  cat,
  clone,
  compact,
  compare,
  convert,
  cp,
  create,
  expand,
  ls,
  merge,
  profiles,
  repair,
  reparent,
  serve,
  split,
]

export function run(args: string[]): Promise<number> {
  const disk = defineCommand('vivarium disk', 'Virtual disks.')
  for (const define of VERBS) define(disk)
  return runCommand(disk, args)
}
