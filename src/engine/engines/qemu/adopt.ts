import { VivariumError } from '../../../base/index.ts'
import { isSameProcess } from '../../../system/index.ts'
import { adoptDiskServer, type DiskServerHandle } from '../../disk-server/index.ts'
import type { Plan } from '../../engine.ts'
import { parseAdoption, type QemuAdoption } from './adoption.ts'
import { endProcess } from './ending.ts'
import { QemuMachine } from './machine.ts'

/** QEMU without its disks has nothing to finish. */
const QEMU_LIMITS = { waitMs: 0, termMs: 1000, killMs: 3000 }
/** The disk server takes SIGTERM as "flush, close, end". */
const DISKS_LIMITS = { waitMs: 0, termMs: 5000, killMs: 5000 }
/** A server that starts has other machines to look for: one that is silent must not keep it long. */
const ADOPT_LIMIT_MS = 4000
/** It lives and does not talk to us: whoever stopped or holds it may let it go on, so it is not ours to end. */
const MEANS_SILENT = new Set(['qmp-silent', 'qmp-no-answer'])

/**
 * Finds a run of an earlier server. Undefined when it is gone, or when only half of it is left: QEMU without its
 * disks, or the other way round; that half is then ended (the disk server flushes first).
 * @throws VivariumError kind `busy` when QEMU lives and does not talk to us, within about four seconds: another
 * server has it, or it was stopped. It is left alone then.
 */
export async function adoptQemu(plan: Plan, record: unknown): Promise<QemuMachine | undefined> {
  const adoption = parseAdoption(record)
  if (adoption === undefined) return undefined
  const disks = isSameProcess(adoption.qemu) ? await findDisks(adoption) : undefined
  if (!isSameProcess(adoption.qemu) || (adoption.disks !== undefined && disks === undefined)) {
    disks?.detach()
    await cleanUp(adoption)
    return undefined
  }
  return await connect(plan, adoption, disks)
}

async function findDisks(adoption: QemuAdoption): Promise<DiskServerHandle | undefined> {
  return adoption.disks === undefined ? undefined : await adoptDiskServer(adoption.disks)
}

async function connect(
  plan: Plan,
  adoption: QemuAdoption,
  disks: DiskServerHandle | undefined,
): Promise<QemuMachine | undefined> {
  try {
    const machine = await QemuMachine.connect({ plan, adoption, disks }, ADOPT_LIMIT_MS)
    machine.keepCables()
    return machine
  } catch (error) {
    disks?.detach()
    if (error instanceof VivariumError && MEANS_SILENT.has(error.code)) throw silent(adoption, error)
    await cleanUp(adoption)
    return undefined
  }
}

function silent({ qemu }: QemuAdoption, cause: VivariumError): VivariumError {
  return new VivariumError('busy', 'qmp-silent', `${cause.message} It runs on as process ${qemu.pid}.`, {
    where: cause.where,
    next: 'Another Vivarium server may hold it: stop that one. If it was stopped, let it go on: kill -CONT.',
    cause,
  })
}

async function cleanUp(adoption: QemuAdoption): Promise<void> {
  await endProcess(adoption.qemu, QEMU_LIMITS)
  if (adoption.disks !== undefined) await endProcess(adoption.disks.identity, DISKS_LIMITS)
}
