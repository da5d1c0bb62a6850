import { rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, relative, sep } from 'node:path'
import { VivariumError } from '../base/index.ts'
import type { EngineFacts } from '../engine/index.ts'
import type { NetworkDocument, NetworkStatus } from '../network/index.ts'
import { buildMachine, type NewMachine } from './create-machine.ts'
import { type DataFolder, makeDataFolder } from './data-folder.ts'
import { Database } from './database.ts'
import { DiskFiles } from './disk-files.ts'
import { DiskOperations } from './disk-operations.ts'
import { demandFree } from './disk-use.ts'
import { Engines } from './engines.ts'
import { EventLog } from './event-log.ts'
import { type FolderListing, listFolder } from './folders.ts'
import { type HostFacts, readHostFacts } from './host.ts'
import { type InspectOptions, inspectFile } from './inspection.ts'
import { Machines } from './machines.ts'
import { type AdapterSummary, NetworkAdapters, type NetworkSummary, Networks } from './networks/index.ts'
import { Registry } from './registry.ts'
import { findServer, recordServer } from './server-record.ts'
import { Sessions } from './sessions.ts'
import type { Surroundings } from './surroundings.ts'
import { Tasks } from './tasks.ts'
import { UndoDisks } from './undo-disks.ts'
import { welcome } from './welcome.ts'

export interface ServerOptions {
  readonly folder: DataFolder
  readonly version: string
  /** Folders, beside the user's home and the library, that machine files may refer into. */
  readonly roots?: readonly string[]
}

export interface NetworkDetails extends NetworkSummary {
  readonly settings: NetworkDocument
  readonly status?: NetworkStatus
  readonly adapters: readonly AdapterSummary[]
}

/** The virtual server: composes everything below it, and is the only place with a durable memory. */
export class VirtualServer {
  readonly events: EventLog
  readonly tasks: Tasks
  readonly sessions: Sessions
  readonly engines = new Engines()
  readonly networks: Networks
  readonly machines: Machines
  readonly adapters: NetworkAdapters
  readonly disks: DiskOperations
  readonly diskFiles = new DiskFiles((path) => this.inspectOptions(path))
  readonly startedAt = new Date()
  readonly #options: ServerOptions
  readonly #database: Database
  readonly #registry: Registry
  #url = ''

  private constructor(options: ServerOptions) {
    const { folder } = options
    this.#options = options
    this.#database = new Database(folder.database)
    this.#registry = new Registry(this.#database)
    this.events = new EventLog(this.#database)
    this.tasks = new Tasks(this.#database)
    this.sessions = new Sessions(this.#database, this.events, folder.cliToken)
    this.networks = new Networks(folder, this.#registry, this.events)
    this.machines = new Machines(this.#surroundings())
    this.adapters = new NetworkAdapters(this.machines, this.networks, this.events)
    this.disks = new DiskOperations({
      tasks: this.tasks,
      events: this.events,
      rootsFor: (path) => this.#rootsFor(path),
      searchFoldersFor: (path) => this.#searchFoldersFor(path),
    })
  }

  /** @throws VivariumError kind `busy` when another server has this data folder open. */
  static async open(asked: ServerOptions): Promise<VirtualServer> {
    const options = { ...asked, folder: makeDataFolder(asked.folder) }
    const other = findServer(options.folder)
    if (other !== undefined) {
      throw new VivariumError(
        'busy',
        'server-running',
        `A server runs for this data folder already, at ${other.url}.`,
        {
          where: { path: options.folder.root },
          next: 'Use that one, or choose another folder with --data.',
        },
      )
    }
    // Written before anything is opened, so that a second server started in the same moment sees the first.
    recordServer(options.folder, '')
    const server = new VirtualServer(options)
    await server.networks.switch.adopt()
    await server.machines.open()
    await server.networks.settle(new Set(server.machines.all().map(({ id }) => id)))
    server.events.add({
      severity: 'info',
      source: 'server',
      code: 'server-started',
      message: 'The server started.',
    })
    void server.engines.facts()
    return server
  }

  /** Says where it is reached, for the command line of this user. */
  announce(url: string): void {
    this.#url = url
    recordServer(this.#options.folder, url)
  }

  /** `keepRunning`: machines whose engine allows it go on, and the next server adopts them. */
  async close(keepRunning = false): Promise<void> {
    this.diskFiles.close()
    await this.machines.close(keepRunning)
    await this.tasks.close()
    await this.networks.close(keepRunning)
    this.events.add({
      severity: 'info',
      source: 'server',
      code: 'server-stopped',
      message: 'The server stopped.',
    })
    this.#database.close()
    rmSync(this.#options.folder.serverRecord, { force: true })
  }

  newSignInLink(): { url: string } {
    return { url: `${this.#url}/sign-in#${this.sessions.newKey()}` }
  }

  async host(): Promise<
    HostFacts & { version: string; libraryFolder: string; startedAt: string; engines: EngineFacts[] }
  > {
    return {
      ...readHostFacts(this.#options.folder.root),
      version: this.#options.version,
      libraryFolder: this.#options.folder.library,
      startedAt: this.startedAt.toISOString(),
      engines: await this.engines.facts(),
    }
  }

  /** Starts the task that makes a machine and registers it; answers its id. */
  createMachine(machine: Omit<NewMachine, 'network'> & { network?: string | undefined }): string {
    const task = { kind: 'create-machine', title: `Create ${machine.name}` }
    return this.tasks.start(task, async (control) => {
      const network = this.networks.referenceTo(machine.network)
      const rootsFor = (file: string) => this.#rootsFor(file)
      const path = await buildMachine(
        { ...machine, network },
        this.#options.folder.library,
        rootsFor,
        control,
      )
      control.made((await this.machines.add(path)).id)
    }).id
  }

  /** Everything about one network. */
  async networkDetails(key: string): Promise<NetworkDetails> {
    const status = await this.networks.statusOf(key)
    return {
      ...(await this.networks.summary(key)),
      settings: this.networks.list.get(key).document,
      ...(status && { status }),
      adapters: this.adapters.list().filter(({ network }) => network === key),
    }
  }

  inspect(path: string): ReturnType<typeof inspectFile> {
    return inspectFile(path, this.inspectOptions(path))
  }

  folder(path: string | undefined): FolderListing {
    return listFolder(path)
  }

  /** Puts the Hello machine into a fresh data folder. */
  welcome(): Promise<void> {
    return welcome(this.machines, this.#registry, this.#options.folder.library)
  }

  inspectOptions(path: string): InspectOptions {
    return { roots: this.#rootsFor(path), searchFolders: this.#searchFoldersFor(path) }
  }

  /** Where parents of a disk may lie, and children: beside it, in the library, among the machines' undo disks. */
  #searchFoldersFor(path: string): string[] {
    const { library, undo } = this.#options.folder
    const undoFolders = this.machines.all().map(({ id }) => join(undo, id))
    return [dirname(path), library, ...undoFolders]
  }

  /**
   * Where a file may refer to: the library, the undo disks, this user's home, the configured roots, and what lies
   * near the file itself: its own folder and the one above (machines often share a parent disk there).
   */
  #rootsFor(path: string): string[] {
    const { folder, roots = [] } = this.#options
    const own = dirname(path)
    const above = dirname(own)
    const near = above === dirname(above) ? [own] : [own, above]
    // A root of "/" would be none: some containers have it as home.
    return [folder.library, folder.undo, homedir(), ...roots, ...near].filter(
      (root) => root !== '/' && root !== '',
    )
  }

  #surroundings(): Surroundings {
    const { folder } = this.#options
    return {
      registry: this.#registry,
      events: this.events,
      tasks: this.tasks,
      engines: this.engines,
      networks: this.networks,
      undoDisks: new UndoDisks(this.#registry, folder.undo),
      runRoot: folder.run,
      rootsFor: (path) => this.#rootsFor(path),
      isInLibrary: (path) => isBelow(folder.library, path),
      demandFree: (machineId, use) => demandFree(machineId, use, this.machines.all()),
    }
  }
}

function isBelow(folder: string, path: string): boolean {
  const inside = relative(folder, path).split(sep)
  return inside[0] !== '..' && inside.length >= 2
}
