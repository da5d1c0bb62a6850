import { z } from 'zod'
import type { ProcessIdentity } from '../../../system/index.ts'
import type { DiskServerAdoption } from '../../disk-server/index.ts'

/** What a later server needs to find a run of QEMU again; everything else is in the plan. JSON. */
export interface QemuAdoption {
  readonly engine: 'qemu'
  readonly qemu: ProcessIdentity
  /** Absent: the machine has no hard disk. */
  readonly disks?: DiskServerAdoption | undefined
  readonly accelerator: 'kvm' | 'tcg'
  /** ISO 8601. */
  readonly startedAt: string
}

const identitySchema = z.object({ pid: z.number().int().positive(), startTicks: z.number() })

const adoptionSchema = z.object({
  engine: z.literal('qemu'),
  qemu: identitySchema,
  disks: z
    .object({ runFolder: z.string(), identity: identitySchema, exportNames: z.array(z.string()) })
    .optional(),
  accelerator: z.enum(['kvm', 'tcg']),
  startedAt: z.iso.datetime(),
})

/** Undefined when it is not such a record, for example one of an older version: the run cannot be found then. */
export function parseAdoption(value: unknown): QemuAdoption | undefined {
  return adoptionSchema.safeParse(value).data
}
