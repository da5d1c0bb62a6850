import type { RouteName } from '../contract.ts'
import type { Handler } from './handler.ts'
import { networkHandlers } from './network-handlers.ts'

type Handlers = { [Name in Exclude<RouteName, 'session' | 'signOut'>]: Handler<Name> }

const done = { ok: true } as const

/** One entry a route: the face only translates, the server knows. */
export const handlers: Handlers = {
  newSignInLink: (server) => server.newSignInLink(),
  host: (server) => server.host(),
  ...networkHandlers,
  machines: (server) => server.machines.summaries(),
  machine: (server, { id }) => server.machines.get(id).details(),
  addMachine: async (server, { path }) => (await server.machines.add(path)).summary(),
  createMachine: (server, input) => ({ taskId: server.createMachine(input) }),
  changeMachine: (server, { id, ...changes }) => server.machines.get(id).change(changes).summary(),
  removeMachine: async (server, { id, deleteFiles }) => {
    await server.machines.remove(id, deleteFiles)
    return done
  },
  startMachine: async (server, { id }) => (await server.machines.get(id).start()).summary(),
  pauseMachine: async (server, { id }) => (await server.machines.get(id).pause()).summary(),
  resumeMachine: async (server, { id }) => (await server.machines.get(id).resume()).summary(),
  resetMachine: async (server, { id }) => (await server.machines.get(id).reset()).summary(),
  turnOffMachine: async (server, { id, undo }) => (await server.machines.get(id).turnOff(undo)).summary(),
  shutDownMachine: async (server, { id }) => (await server.machines.get(id).shutDown()).summary(),
  commitUndo: (server, { id }) => ({ taskId: server.machines.get(id).commitUndo() }),
  discardUndo: (server, { id }) => server.machines.get(id).discardUndo().summary(),
  changeCd: async (server, { id, channel, unit, path }) => {
    await server.machines.get(id).changeCd(channel, unit, path ?? undefined)
    return done
  },
  typeKeys: async (server, { id, text, keys }) => {
    await server.machines.get(id).type({ text, keys })
    return done
  },
  screenshot: async (server, { id }) => {
    const png = await server.machines.get(id).screenPng()
    return { png: Buffer.from(png).toString('base64') }
  },
  tasks: (server) => server.tasks.list(),
  task: (server, { id }) => server.tasks.get(id),
  cancelTask: (server, { id }) => server.tasks.cancel(id),
  events: (server, { networkKey, ...filter }) =>
    server.events.list({
      ...filter,
      ...(networkKey !== undefined && { network: server.networks.namedOf(networkKey) }),
    }),
  inspect: (server, { path }) => server.inspect(path),
  startDiskOperation: (server, { operation, spec }) => ({ taskId: server.disks.start(operation, spec) }),
  diskVolumes: (server, { path }) => server.diskFiles.volumes(path),
  diskFolder: (server, { path, volume, inside }) => server.diskFiles.list(path, volume, inside),
  diskGuest: async (server, { path }) => {
    const guest = await server.diskFiles.guest(path)
    return guest === undefined ? {} : { guest }
  },
  folder: (server, { path }) => server.folder(path),
}
