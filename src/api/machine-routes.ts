import { z } from 'zod'
import {
  adapterModelSchema,
  createMachineSchema,
  engineWishSchema,
  machineDetailsSchema,
  machineSummarySchema,
} from './machine-schemas.ts'
import { pathSchema } from './path.ts'
import { done, empty, idInput } from './route.ts'

/** The routes of the virtual machines. */
export const machineRoutes = {
  machines: { method: 'get', path: '/api/machines', input: empty, output: z.array(machineSummarySchema) },
  machine: { method: 'get', path: '/api/machines/{id}', input: idInput, output: machineDetailsSchema },
  addMachine: {
    method: 'post',
    path: '/api/machines/add',
    input: z.object({ path: pathSchema }),
    output: machineSummarySchema,
  },
  createMachine: {
    method: 'post',
    path: '/api/machines',
    input: createMachineSchema,
    output: z.object({ taskId: z.string() }),
  },
  changeMachine: {
    method: 'patch',
    path: '/api/machines/{id}',
    input: idInput.extend({
      engineWish: engineWishSchema.optional(),
      adapterModel: adapterModelSchema.optional(),
      undo: z.boolean().optional(),
    }),
    output: machineSummarySchema,
  },
  /** Unregisters; `deleteFiles` also deletes a library machine's folder. */
  removeMachine: {
    method: 'delete',
    path: '/api/machines/{id}',
    input: idInput.extend({ deleteFiles: z.boolean().default(false) }),
    output: done,
  },
  startMachine: {
    method: 'post',
    path: '/api/machines/{id}/start',
    input: idInput,
    output: machineSummarySchema,
  },
  pauseMachine: {
    method: 'post',
    path: '/api/machines/{id}/pause',
    input: idInput,
    output: machineSummarySchema,
  },
  resumeMachine: {
    method: 'post',
    path: '/api/machines/{id}/resume',
    input: idInput,
    output: machineSummarySchema,
  },
  resetMachine: {
    method: 'post',
    path: '/api/machines/{id}/reset',
    input: idInput,
    output: machineSummarySchema,
  },
  turnOffMachine: {
    method: 'post',
    path: '/api/machines/{id}/turn-off',
    input: idInput.extend({ undo: z.enum(['keep', 'discard', 'commit']).default('keep') }),
    output: machineSummarySchema,
  },
  /** Presses the power button: the guest may shut down. */
  shutDownMachine: {
    method: 'post',
    path: '/api/machines/{id}/shut-down',
    input: idInput,
    output: machineSummarySchema,
  },
  commitUndo: {
    method: 'post',
    path: '/api/machines/{id}/undo/commit',
    input: idInput,
    output: z.object({ taskId: z.string() }),
  },
  discardUndo: {
    method: 'post',
    path: '/api/machines/{id}/undo/discard',
    input: idInput,
    output: machineSummarySchema,
  },
  changeCd: {
    method: 'post',
    path: '/api/machines/{id}/cd',
    input: idInput.extend({
      channel: z.number().int().min(0).max(1),
      unit: z.number().int().min(0).max(1),
      /** null takes the disc out. */
      path: pathSchema.nullable(),
    }),
    output: done,
  },
  /** Types text, or presses named keys such as "Ctrl-Alt-Del". */
  typeKeys: {
    method: 'post',
    path: '/api/machines/{id}/keys',
    input: idInput.extend({ text: z.string().max(4096).optional(), keys: z.string().max(100).optional() }),
    output: done,
  },
  /** The whole screen now, for the command line; browsers take screen.png. */
  screenshot: {
    method: 'get',
    path: '/api/machines/{id}/screenshot',
    input: idInput,
    output: z.object({ png: z.string() }),
  },
} as const
