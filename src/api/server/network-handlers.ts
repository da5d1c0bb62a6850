import { deleteLease, leasesOf, reserveLease } from '../../server/index.ts'
import type { networkRoutes } from '../network-routes.ts'
import type { Handler } from './handler.ts'

type NetworkHandlers = { [Name in keyof typeof networkRoutes]: Handler<Name> }

const done = { ok: true } as const

export const networkHandlers: NetworkHandlers = {
  networks: ({ networks }) => networks.summaries(),
  network: (server, { key }) => server.networkDetails(key),
  networkHistory: async ({ networks }, { key }) => (await networks.historyOf(key)) ?? null,
  createNetwork: ({ networks }, { name, settings }) => networks.create(name, settings),
  addNetworks: ({ networks }, { path }) => networks.add(path),
  changeNetwork: ({ networks }, { key, ...changes }) => networks.change(key, changes),
  removeNetwork: async ({ networks }, { key, ...how }) => {
    await networks.remove(key, how)
    return done
  },
  uplinks: ({ networks }) => networks.uplinks(),
  adapters: ({ adapters }) => adapters.list(),
  moveAdapter: ({ adapters }, { id, index, ...target }) => adapters.move(id, index, target),
  changePort: ({ adapters }, { id, index, ...changes }) => adapters.changePort(id, index, changes),
  leases: ({ networks }, { key }) => leasesOf(networks, key),
  deleteLease: async ({ networks }, { key, address }) => {
    await deleteLease(networks, key, address)
    return done
  },
  reserveLease: ({ networks }, { key, address }) => reserveLease(networks, key, address),
  captures: ({ networks }) => networks.captures.running(),
  startCapture: ({ networks }, { key, ...wish }) => networks.captures.start(key, wish),
  stopCapture: ({ networks }, { id }) => networks.captures.stop(id),
  captureFiles: ({ networks }) => networks.captures.files(),
  deleteCaptureFile: async ({ networks }, { name }) => {
    await networks.captures.deleteFile(name)
    return done
  },
}
