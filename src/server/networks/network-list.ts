import { existsSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { VivariumError } from '../../base/index.ts'
import type { JournalPaths } from '../../engine/index.ts'
import {
  checkMachineName,
  isSameMachineName,
  type NetworkReference,
  newNetworkId,
} from '../../machine/index.ts'
import { type NetworkDocument, networkDocumentSchema } from '../../network/index.ts'
import { systemError } from '../../system/index.ts'
import type { DataFolder } from '../data-folder.ts'
import type { NetworkRegistration, Registry } from '../registry.ts'
import { BUILT_IN, type BuiltIn } from './built-in.ts'
import { readUplinks } from './host-adapters.ts'
import { configOf, Network } from './network.ts'
import { NetworkFile } from './network-file.ts'

const MADE_SETTING = 'networks-made'
const KEY_LENGTH = 24

/**
 * Which virtual networks there are: one file each in the folder of shared networks, files elsewhere that were added,
 * and an External Network for each adapter of the host.
 */
export class NetworkList {
  readonly #registry: Registry
  readonly #folder: DataFolder
  readonly #files = new Map<string, NetworkFile>()

  constructor(registry: Registry, folder: DataFolder) {
    this.#registry = registry
    this.#folder = folder
    this.#makeBuiltIn()
    this.#findFiles()
  }

  all(): Network[] {
    const filed = this.#registered().map(({ key, path, builtIn }) => {
      const kind = builtIn?.split(':', 1)[0] as BuiltIn | undefined
      return new Network(key, kind, this.#fileAt(path))
    })
    const known = new Set(this.#registry.networks().map(({ builtIn }) => builtIn))
    const external = readUplinks()
      .adapters.filter(({ name }) => !known.has(`external:${name}`))
      .map(({ name }) => externalNetwork(name))
    return [...filed, ...external]
  }

  /** @throws VivariumError kind `not-found`. */
  get(key: string): Network {
    const found = this.all().find((network) => network.key === key)
    if (found !== undefined) return found
    throw new VivariumError('not-found', 'network-not-found', `There is no network ${key}.`, {
      next: 'See the list of networks.',
    })
  }

  /** The network that a machine's file means: by id, else by name, in which case does not matter. */
  match(reference: NetworkReference, networks: readonly Network[] = this.all()): Network | undefined {
    if (reference.kind === 'none') return undefined
    const byId = networks.find(({ id }) => id === reference.id.toLowerCase())
    if (byId !== undefined || reference.kind === 'nat') return byId
    return networks.find(({ name }) => isSameMachineName(name, reference.name.trim()))
  }

  create(name: string, document: NetworkDocument): Network {
    checkMachineName(name)
    this.#demandFreeName(name)
    const builtIn = BUILT_IN.find((each) => isSameMachineName(each.name, name))
    const key = this.#newKey(name)
    configOf({ key, name, uplink: { kind: 'none' } }, document)
    const path = join(this.#folder.sharedNetworks, `${name}.vnc`)
    this.#demandNoFile(path)
    this.#keep(NetworkFile.create(path, builtIn?.newId() ?? newNetworkId(), document))
    this.#registry.putNetwork({ key, path, builtIn: builtIn?.builtIn, isRemoved: false })
    return this.get(key)
  }

  /** Registers a VNC file where it lies. */
  add(path: string): Network {
    const real = realPathOf(path)
    const known = this.#registry.networks().find((each) => each.path === real)
    if (known !== undefined && !known.isRemoved)
      throw new VivariumError('conflict', 'network-registered', 'This network is in the list already.', {
        where: { path: real },
      })
    const file = new NetworkFile(real)
    const broken = file.content.problems.find(({ severity }) => severity === 'error')
    if (broken !== undefined)
      throw new VivariumError('malformed', broken.code, broken.message, {
        where: broken.where ?? { path: real },
        ...(broken.next !== undefined && { next: broken.next }),
      })
    this.#demandFreeName(file.name)
    const key = known?.key ?? this.#newKey(file.name)
    this.#keep(file)
    this.#registry.putNetwork({ key, path: real, builtIn: known?.builtIn, isRemoved: false })
    return this.get(key)
  }

  /** @throws VivariumError kind `invalid` on settings that cannot work; then nothing is changed. */
  change(network: Network, { name, document }: { name?: string; document?: NetworkDocument }): Network {
    if (document !== undefined) configOf(network, document)
    if (network.file === undefined) return this.#makeExternal(network, name, document)
    if (document !== undefined) network.file.write(document)
    if (name !== undefined && name !== network.name) this.#rename(network, network.file, name)
    return this.get(network.key)
  }

  /** Takes it from the list. Its file stays unless it is to go. */
  remove(network: Network, deleteFile: boolean): void {
    const registration = this.#registered().find(({ key }) => key === network.key)
    if (registration === undefined) {
      throw new VivariumError(
        'conflict',
        'network-of-host',
        `"${network.name}" is there because this computer has the adapter.`,
        { next: 'Leave it; it does nothing while no machine is plugged in.' },
      )
    }
    if (deleteFile) deleteAt(registration.path)
    const isFoundAgain = dirname(registration.path) === this.#folder.sharedNetworks && !deleteFile
    if (isFoundAgain) this.#registry.putNetwork({ ...registration, isRemoved: true })
    else this.#registry.removeNetwork(network.key)
    for (const path of Object.values(this.journals(network.key))) rmSync(path, { force: true })
  }

  /** Where the switch keeps what is to outlive it. */
  journals(key: string): Record<keyof JournalPaths, string> {
    const pathOf = (what: string) => join(this.#folder.networks, `${key}.${what}.json`)
    return { leaseFile: pathOf('leases'), dnsFile: pathOf('dns'), winsFile: pathOf('wins') }
  }

  /** A name of this kind that no network has yet. */
  freeName(wanted: string): string {
    const names = this.all().map(({ name }) => name)
    const candidates = [wanted, ...Array.from(names, (_, index) => `${wanted} (${index + 2})`)]
    return candidates.find((name) => !names.some((taken) => isSameMachineName(taken, name)))!
  }

  #registered(): NetworkRegistration[] {
    return this.#registry.networks().filter(({ isRemoved }) => !isRemoved)
  }

  #fileAt(path: string): NetworkFile {
    return this.#files.get(path) ?? this.#keep(new NetworkFile(path))
  }

  #keep(file: NetworkFile): NetworkFile {
    this.#files.set(file.path, file)
    return file
  }

  /** Once: whoever removes one does not get it back. A crash between file and note leaves a file that is found. */
  #makeBuiltIn(): void {
    if (this.#registry.setting(MADE_SETTING) !== undefined) return
    for (const { builtIn, name, newId, document } of BUILT_IN) {
      const path = join(this.#folder.sharedNetworks, `${name}.vnc`)
      if (!existsSync(path)) NetworkFile.create(path, newId(), document)
      this.#registry.putNetwork({ key: builtIn, path, builtIn, isRemoved: false })
    }
    this.#registry.setSetting(MADE_SETTING, new Date().toISOString())
  }

  /** Files that were copied into the folder while no server ran. */
  #findFiles(): void {
    const known = new Set(this.#registry.networks().map(({ path }) => path))
    for (const entry of readdirSync(this.#folder.sharedNetworks).sort()) {
      const path = join(this.#folder.sharedNetworks, entry)
      if (extname(entry).toLowerCase() !== '.vnc' || known.has(path)) continue
      const key = this.#newKey(new NetworkFile(path).name)
      this.#registry.putNetwork({ key, path, builtIn: undefined, isRemoved: false })
    }
    for (const { key, path, isRemoved } of this.#registry.networks())
      if (isRemoved && !existsSync(path)) this.#registry.removeNetwork(key)
  }

  #makeExternal(network: Network, name = network.name, document = network.document): Network {
    checkMachineName(name)
    if (name !== network.name) this.#demandFreeName(name)
    const path = join(this.#folder.sharedNetworks, `${name}.vnc`)
    this.#demandNoFile(path)
    this.#keep(NetworkFile.create(path, network.id, document))
    const adapter = network.document.hostAdapter
    this.#registry.putNetwork({ key: network.key, path, builtIn: `external:${adapter}`, isRemoved: false })
    return this.get(network.key)
  }

  #rename(network: Network, file: NetworkFile, name: string): void {
    checkMachineName(name)
    if (!isSameMachineName(name, network.name)) this.#demandFreeName(name)
    const path = join(dirname(file.path), `${name}${extname(file.path)}`)
    if (!isSameMachineName(name, network.name)) this.#demandNoFile(path)
    try {
      renameSync(file.path, path)
    } catch (error) {
      throw systemError(error, file.path)
    }
    this.#files.delete(file.path)
    const registration = this.#registered().find(({ key }) => key === network.key)!
    this.#registry.putNetwork({ ...registration, path })
  }

  /** Its name in letters, digits and hyphens. */
  #newKey(name: string): string {
    const taken = new Set(this.#registry.networks().map(({ key }) => key))
    const plain = name
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, KEY_LENGTH)
      .replace(/^-+|-+$/g, '')
    const start = plain === '' || plain.startsWith('external') ? `net-${plain}`.replace(/-$/, '') : plain
    for (let number = 1; ; number++) {
      const key = number === 1 ? start : `${start}-${number}`
      if (!taken.has(key)) return key
    }
  }

  #demandFreeName(name: string): void {
    const other = this.all().find((network) => isSameMachineName(network.name, name))
    if (other === undefined) return
    throw new VivariumError('conflict', 'network-name-taken', `There is a network "${other.name}" already.`, {
      where: { field: 'name' },
      next: 'Choose another name.',
    })
  }

  #demandNoFile(path: string): void {
    if (!existsSync(path)) return
    throw new VivariumError('conflict', 'file-exists', 'There is a file of that name already.', {
      where: { path },
      next: 'Choose another name, or add that file.',
    })
  }
}

function externalNetwork(adapter: string): Network {
  const document = networkDocumentSchema.parse({ hostAdapter: adapter })
  const name = `External Network (${adapter})`
  return new Network(`external-${adapter.toLowerCase().replace(/[^a-z0-9]/g, '-')}`, 'external', {
    name,
    document,
  })
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    throw systemError(error, path)
  }
}

function deleteAt(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    throw systemError(error, path)
  }
}
