import { VivariumError } from '../../base/index.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { PxeOptions } from './settings.ts'

/** The settings of a network's boot service, if it has one. @throws VivariumError kind `invalid` on what cannot work */
export function planPxe({ name, pxe, address, dhcp }: NetworkConfig): PxeOptions | undefined {
  if (pxe === undefined || !pxe.enabled) return undefined
  const fail = (code: string, message: string, field: string, next: string) =>
    new VivariumError('invalid', code, message, { where: { field: `pxe.${field}` }, next })
  if (address === undefined && !dhcp?.enabled)
    throw fail(
      'pxe-without-address',
      `The boot service of "${name}" has no address to answer from.`,
      'enabled',
      'Give the network an address, such as 10.244.0.1/24, or turn its DHCP server on.',
    )
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(pxe.folder))
    throw fail(
      'pxe-folder-not-absolute',
      `The boot folder "${pxe.folder}" is not a whole path.`,
      'folder',
      'Give the path from the root on.',
    )
  const titles = pxe.entries.map((entry) => entry.title)
  const twice = titles.find((title, index) => titles.indexOf(title) !== index)
  if (twice !== undefined)
    throw fail(
      'pxe-title-twice',
      `Two boot entries are called "${twice}".`,
      'entries',
      'Name them differently.',
    )
  if (pxe.default !== undefined && !titles.includes(pxe.default))
    throw fail(
      'pxe-no-such-default',
      `No boot entry is called "${pxe.default}".`,
      'default',
      'Take the title of one of the entries.',
    )
  return pxe
}
