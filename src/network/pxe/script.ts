import type { BootEntry, PxeOptions } from './settings.ts'

/** The file name of the menu for iPXE. */
export const SCRIPT_FILE = 'boot.ipxe'

/** A file below the boot folder as a URL of this server; a whole URL stays. */
export function fileUrl(host: string, file: string): string {
  if (/^[a-z]+:\/\//i.test(file)) return file
  return `http://${host}/${file.split(/[/\\]/).filter(Boolean).map(encodeURIComponent).join('/')}`
}

/** The boot menu as a script for iPXE (https://ipxe.org/scripting). @param host IPv4 of the boot server */
export function bootScript(name: string, host: string, pxe: PxeOptions): string {
  const { entries, timeoutSeconds } = pxe
  const first = Math.max(
    0,
    entries.findIndex(({ title }) => title === pxe.default),
  )
  const again = timeoutSeconds === 0 ? `entry${first}` : 'menu'
  const choice =
    timeoutSeconds === 0
      ? [`goto entry${first}`]
      : [
          ':menu',
          `menu ${name.replace(/[^\x20-\x7e]|\$\{/g, '?')}`,
          ...entries.map(({ title }, index) => `item entry${index} ${title}`),
          'item --gap',
          'item local Boot from the disk',
          'item shell Shell of iPXE',
          `choose --default entry${first} --timeout ${timeoutSeconds * 1000} target && goto \${target} || goto local`,
        ]
  const lines = [
    '#!ipxe',
    ...choice,
    ...entries.flatMap((entry, index) => [`:entry${index}`, ...entryLines(entry, host)]),
    ':local',
    'sanboot --no-describe --drive 0x80 || exit',
    ':shell',
    'shell',
    `goto ${again}`,
    ':failed',
    'prompt --timeout 10000 It did not boot. Press any key to try again. ||',
    `goto ${again}`,
  ]
  return `${lines.join('\n')}\n`
}

function entryLines(entry: BootEntry, host: string): string[] {
  if ('file' in entry) return fileLines(entry.file, fileUrl(host, entry.file))
  const initrds = [entry.initrd ?? []].flat()
  // Under UEFI Linux finds an initrd by its name (https://ipxe.org/appnote/uefi); the BIOS kernel does not look.
  const named = initrds.map((_, index) => `initrd=initrd${index}`)
  const commandLine = [fileUrl(host, entry.kernel), ...named, entry.arguments ?? []].flat().join(' ')
  return [
    'imgfree',
    `kernel ${commandLine} || goto failed`,
    ...initrds.map((file, index) => `initrd --name initrd${index} ${fileUrl(host, file)} || goto failed`),
    'boot || goto failed',
  ]
}

function fileLines(file: string, url: string): string[] {
  if (/\.(?:iso|img)$/i.test(file)) return [`sanboot --no-describe ${url} || goto failed`]
  // PXELINUX looks for the rest of its files by option 210 (RFC 5071, section 4), and only by TFTP.
  const prefix = url.replace(/^http:/, 'tftp:').replace(/[^/]*$/, '')
  const own = /pxelinux\.0$/i.test(file) ? [`set 210:string ${prefix}`] : []
  return [...own, `chain --autofree ${url} || goto failed`]
}
