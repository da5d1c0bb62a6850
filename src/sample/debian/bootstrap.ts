import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../../system/index.ts'
import { hostAptSettings, hostMirror } from './apt-host.ts'
import { runProgram } from './programs.ts'
import { dpkgOptions, packages, UPLOADS } from './recipe.ts'
import { KEYRING } from './requirements.ts'

const MERGED_USR_HOOKS = '/usr/share/mmdebstrap/hooks/merged-usr'

export interface Bootstrap {
  readonly suite: string
  /** Keeps the packages for the next build. */
  readonly cacheFolder: string
  readonly workFolder: string
  readonly onStep: (fraction: number, text: string) => void
  readonly signal?: AbortSignal
}

export interface NewSystem {
  /** The whole file tree as a tar archive. */
  readonly tar: string
  readonly kernel: string
  readonly initramfs: string
}

/** Makes the file tree, the kernel and the initramfs with mmdebstrap. @throws VivariumError `program-failed`. */
export async function bootstrap(options: Bootstrap): Promise<NewSystem> {
  const { suite, workFolder, cacheFolder, onStep, signal } = options
  const system = {
    tar: join(workFolder, 'root.tar'),
    kernel: join(workFolder, 'vmlinuz'),
    initramfs: join(workFolder, 'initrd'),
  }
  const packageCache = join(cacheFolder, suite)
  makeFolder(packageCache, 0o777)
  const settings = join(workFolder, 'apt.conf')
  writeFileSync(settings, hostAptSettings())
  await runProgram(
    'mmdebstrap',
    [
      '--architectures=i386',
      '--variant=essential',
      `--include=${packages().join(',')}`,
      `--aptopt=${settings}`,
      ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
      // The hosts that can run i386 programs at all need no emulator for it; others learn it from mmdebstrap.
      ...(process.arch === 'x64' ? ['--skip=check/qemu'] : []),
      // Without it the package usrmerge is installed, which brings all of Perl.
      `--hook-dir=${MERGED_USR_HOOKS}`,
      // mmdebstrap(1): how to keep the packages.
      '--skip=download/empty',
      '--skip=essential/unlink',
      '--skip=output/dev',
      ...hooks(packageCache, system),
      suite,
      system.tar,
      `deb [signed-by=${KEYRING}] ${hostMirror()} ${suite} main`,
    ],
    { onLine: progressOf(onStep), ...(signal && { signal }) },
  )
  return system
}

function hooks(packageCache: string, system: NewSystem): string[] {
  const archives = '/var/cache/apt/archives'
  const uploads = Object.entries(UPLOADS).map(
    ([name, target]) => `upload ${quote(sourcePath(name))} ${target}`,
  )
  return [
    `--setup-hook=mkdir -p "$1"${archives}`,
    `--setup-hook=sync-in ${quote(packageCache)} ${archives}`,
    // Before what can fail, so that a second try need not fetch them again; the kernel follows below.
    `--customize-hook=sync-out ${archives} ${quote(packageCache)}`,
    '--customize-hook=mkdir -p "$1"/etc/acpi/PWRF',
    ...uploads.map((upload) => `--customize-hook=${upload}`),
    '--customize-hook=sh "$1"/tmp/customize.sh "$1"',
    `--customize-hook=sync-out ${archives} ${quote(packageCache)}`,
    `--customize-hook=download /boot/vmlinuz ${quote(system.kernel)}`,
    `--customize-hook=download /boot/initrd ${quote(system.initramfs)}`,
    '--customize-hook=rm -f "$1"/boot/vmlinuz "$1"/boot/initrd',
  ]
}

function sourcePath(name: string): string {
  return fileURLToPath(new URL(`../../../samples/debian/${name}`, import.meta.url))
}

/** For a hook's command line, which mmdebstrap reads as a shell does. */
function quote(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`
}

/** What mmdebstrap says about itself, and how far it is then. */
const STEPS: readonly (readonly [RegExp, number, string])[] = [
  [/running apt-get update/, 0, 'Reading the list of packages'],
  [/downloading packages|downloading apt/, 0.1, 'Fetching packages'],
  [/extracting archives/, 0.2, 'Unpacking packages'],
  [/installing essential/, 0.3, 'Installing the essential packages'],
  [/installing remaining/, 0.5, 'Installing the other packages'],
  [/customize-hook in shell: .*customize\.sh/, 0.6, 'Adding the kernel'],
  [/running special hook: sync-out/, 0.9, 'Keeping the packages for the next time'],
  [/creating tarball/, 0.95, 'Packing the file tree'],
]

function progressOf(onStep: Bootstrap['onStep']): (line: string) => void {
  return (line) => {
    const step = STEPS.find(([pattern]) => pattern.test(line))
    if (step !== undefined) onStep(step[1], step[2])
  }
}
