import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootRequest } from '../dhcp/boot.ts'
import { OPTION, textOption } from '../dhcp/options.ts'
import { chooseBoot } from './choose.ts'
import { type PxeOptions, pxeOptionsSchema } from './settings.ts'

const ADDRESS = 0x0af4_0001
const MENU = pxeOptionsSchema.parse({ folder: '/boot', entries: [{ title: 'Linux', kernel: 'linux' }] })
const PLAIN = pxeOptionsSchema.parse({ folder: '/boot', files: { 'efi-ia32': 'grubia32.efi' } })

function answer(pxe: PxeOptions, vendorClass: string | undefined, architecture?: number, userClass?: string) {
  const options = new Map<number, Uint8Array>()
  if (vendorClass !== undefined) options.set(OPTION.vendorClass, textOption(vendorClass))
  if (architecture !== undefined) options.set(OPTION.architecture, Uint8Array.of(0, architecture))
  if (userClass !== undefined) options.set(OPTION.userClass, textOption(userClass))
  return chooseBoot(bootRequest(1, options), pxe, ADDRESS)
}

test('firmware gets what it can run, iPXE gets the menu, others get nothing', () => {
  const pxeClient = 'PXEClient:Arch:00000:UNDI:002001'
  const table: [
    PxeOptions,
    string | undefined,
    number | undefined,
    string | undefined,
    string | undefined,
  ][] = [
    [MENU, pxeClient, 0, undefined, 'undionly.kpxe'],
    [MENU, pxeClient, undefined, undefined, 'undionly.kpxe'],
    [MENU, pxeClient, 7, undefined, 'snponly.efi'],
    [MENU, pxeClient, 9, undefined, 'snponly.efi'],
    [MENU, pxeClient, 0, 'iPXE', 'http://10.244.0.1/boot.ipxe'],
    [MENU, pxeClient, 7, '\x04iPXE', 'http://10.244.0.1/boot.ipxe'],
    [MENU, undefined, undefined, 'gPXE', 'http://10.244.0.1/boot.ipxe'],
    [MENU, 'HTTPClient:Arch:00016:UNDI:003001', 16, undefined, 'http://10.244.0.1/snponly.efi'],
    [MENU, pxeClient, 2, undefined, undefined],
    [MENU, pxeClient, 11, undefined, undefined],
    [MENU, 'MSFT 5.0', undefined, undefined, undefined],
    [MENU, undefined, undefined, undefined, undefined],
    [PLAIN, pxeClient, 0, undefined, 'pxelinux.0'],
    [PLAIN, pxeClient, 0, 'iPXE', 'pxelinux.0'],
    [PLAIN, pxeClient, 6, undefined, 'grubia32.efi'],
    [PLAIN, pxeClient, 7, undefined, 'bootx64.efi'],
  ]
  for (const [pxe, vendorClass, architecture, userClass, file] of table) {
    const found = answer(pxe, vendorClass, architecture, userClass)
    assert.equal(found?.file, file, `${vendorClass} ${architecture} ${userClass}`)
    assert.equal(found?.nextServer, file === undefined ? undefined : ADDRESS)
  }
})

test('HTTP boot hears its class again (UEFI 2.10, 24.7.3.1)', () => {
  const found = answer(MENU, 'HTTPClient:Arch:00016:UNDI:003001', 16)
  assert.deepEqual(found?.options?.get(OPTION.vendorClass), textOption('HTTPClient'))
})
