import { z } from 'zod'
import { diskRoutes } from './disk-routes.ts'
import { hostRoutes } from './host-routes.ts'
import { eventSchema, taskSchema } from './host-schemas.ts'
import { machineRoutes } from './machine-routes.ts'
import { machineSummarySchema } from './machine-schemas.ts'
import { networkRoutes } from './network-routes.ts'
import { networkSummarySchema } from './network-schemas.ts'
import type { Route } from './route.ts'

/**
 * Every route as data: server, client, command line and documentation derive from this one table. All bodies are
 * JSON; an error is `{error: ErrorRecord}` with the status of `status.ts`. Everything needs a session cookie or
 * a bearer token but the sign-in page itself. Times are ISO 8601, sizes bytes.
 */
export const routes = {
  ...hostRoutes,
  ...machineRoutes,
  ...diskRoutes,
  ...networkRoutes,
} as const satisfies Record<string, Route>

export type Routes = typeof routes
export type RouteName = keyof Routes
export type Input<Name extends RouteName> = z.input<Routes[Name]['input']>
export type Output<Name extends RouteName> = z.output<Routes[Name]['output']>

/**
 * Beside the table, some binary or streaming addresses:
 *   GET  /api/machines/{id}/thumbnail.png?v=N   about 160 x 120;  /api/machines/{id}/screen.png  full size
 *   GET  /api/disks/file?path=...&volume=N&inside=...   a file of a guest, to download
 *   GET  /api/disks/archive?path=...&volume=N&inside=...   a folder of a guest as a zip archive
 *   GET  /api/networks/{key}/capture.pcapng?port=...   what passes from now on, until the reader goes
 *   GET  /api/capture-files/{name}              a file of the captures folder
 *   WS   /api/live                              LiveMessage as JSON, server to client
 *   WS   /api/machines/{id}/console             RFB as binary messages (noVNC);  .../serial/{n}  raw bytes
 */
export const liveMessageSchema = z.discriminatedUnion('type', [
  /** All machines, at connect and whenever one changes; at most a few times a second. */
  z.object({ type: z.literal('machines'), machines: z.array(machineSummarySchema) }),
  z.object({ type: z.literal('tasks'), tasks: z.array(taskSchema) }),
  /** All networks, at connect and whenever one is changed, plugged or unplugged. */
  z.object({ type: z.literal('networks'), networks: z.array(networkSummarySchema) }),
  z.object({ type: z.literal('event'), event: eventSchema }),
])

export type LiveMessage = z.infer<typeof liveMessageSchema>
