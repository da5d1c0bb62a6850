import { VivariumError } from '../../base/index.ts'
import { throwTogether } from '../faults.ts'
import type { NetworkConfig } from '../network-config.ts'
import type { PxeOptions } from './settings.ts'

type Fault = readonly [code: string, field: string, message: string, next: string]

/**
 * The settings of a network's boot service, if it has one.
 * @throws VivariumError kind `invalid` with all that cannot work
 */
export function planPxe(config: NetworkConfig): PxeOptions | undefined {
  const { pxe } = config
  if (pxe === undefined || !pxe.enabled) return undefined
  throwTogether(
    [...placeFaults(config, pxe), ...menuFaults(pxe)].map(
      ([code, field, message, next]) =>
        new VivariumError('invalid', code, message, {
          where: { field: field === '' ? 'pxe' : `pxe.${field}` },
          next,
        }),
    ),
  )
  return pxe
}

function placeFaults({ name, address, dhcp }: NetworkConfig, { folder }: PxeOptions): Fault[] {
  const found: Fault[] = []
  if (address === undefined && !dhcp?.enabled)
    found.push([
      'pxe-without-address',
      '',
      `The boot service of "${name}" has no address to answer from.`,
      'Give the network an address, such as 10.244.0.1/24, or turn its DHCP server on.',
    ])
  if (!/^(?:\/|[A-Za-z]:[\\/])/.test(folder))
    found.push([
      'pxe-folder-not-absolute',
      'folder',
      `The boot folder "${folder}" is not a whole path.`,
      'Give the path from the root on.',
    ])
  return found
}

function menuFaults({ entries, default: first }: PxeOptions): Fault[] {
  const titles = entries.map(({ title }) => title)
  const found = titles.flatMap((title, index): Fault[] =>
    titles.indexOf(title) === index
      ? []
      : [
          [
            'pxe-title-twice',
            `entries.${index}.title`,
            `Two boot entries are called "${title}".`,
            'Name them differently.',
          ],
        ],
  )
  if (first !== undefined && !titles.includes(first))
    found.push([
      'pxe-no-such-default',
      'default',
      `No boot entry is called "${first}".`,
      'Take the title of one of the entries.',
    ])
  return found
}
