import { z } from 'zod'
import { eventSchema, folderSchema, hostSchema, taskSchema } from './host-schemas.ts'
import { pathSchema } from './path.ts'
import { done, empty, idInput } from './route.ts'

/** The routes of the host itself: who is signed in, what it does, what has happened, what lies in its folders. */
export const hostRoutes = {
  session: { method: 'get', path: '/api/session', input: empty, output: z.object({ user: z.string() }) },
  signOut: { method: 'post', path: '/api/sign-out', input: empty, output: done },
  /** A new one-time link, for `vivarium sign-in`. */
  newSignInLink: {
    method: 'post',
    path: '/api/sign-in-links',
    input: empty,
    output: z.object({ url: z.string() }),
  },
  host: { method: 'get', path: '/api/host', input: empty, output: hostSchema },
  tasks: { method: 'get', path: '/api/tasks', input: empty, output: z.array(taskSchema) },
  task: { method: 'get', path: '/api/tasks/{id}', input: idInput, output: taskSchema },
  cancelTask: { method: 'post', path: '/api/tasks/{id}/cancel', input: idInput, output: taskSchema },
  events: {
    method: 'get',
    path: '/api/events',
    input: z.object({
      /** Only events with a smaller id: the next page. */
      before: z.coerce.number().optional(),
      limit: z.coerce
        .number('The limit is a number.')
        .int('The limit is a whole number.')
        .min(1, 'The limit is at least 1.')
        .max(500, 'The limit is at most 500.')
        .default(100),
      machineId: z.string().optional(),
      networkKey: z.string().optional(),
    }),
    output: z.array(eventSchema),
  },
  /** For the path chooser: what lies in a folder; without a path, the user's home. */
  folder: {
    method: 'get',
    path: '/api/folders',
    input: z.object({ path: pathSchema.optional() }),
    output: folderSchema,
  },
} as const
