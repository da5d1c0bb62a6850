import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { adoptSwitch, type SwitchNetwork, startSwitch } from '../../src/engine/index.ts'

/** A network of a real switch process with a boot folder. */
export async function bootLab(
  t: TestContext,
  pxe: Omit<NonNullable<SwitchNetwork['pxe']>, 'folder'>,
  settings: Partial<SwitchNetwork> = { dhcp: {} },
) {
  const root = mkdtempSync(join(tmpdir(), 'pxe-'))
  const folder = join(root, 'boot')
  mkdirSync(folder)
  t.after(async () => {
    await (await adoptSwitch(root))?.stop()
    rmSync(root, { recursive: true, force: true })
  })
  const network: SwitchNetwork = { name: 'Lab', key: 'lab', pxe: { folder, ...pxe }, ...settings }
  const client = await startSwitch({ socketFolder: root, networks: [network] })
  const status = async () => (await client.status()).networks[0]!
  return { root, folder, client, socket: client.socketOf('lab'), status }
}
