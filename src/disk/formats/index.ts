import type { DiskFormat } from '../format.ts'
import { qcow2 } from './qcow2/qcow2.ts'
import { raw } from './raw/raw.ts'
import { vdi } from './vdi/vdi.ts'
import { vhd } from './vhd/vhd.ts'
import { vhdx } from './vhdx/vhdx.ts'
import { vmdk } from './vmdk/vmdk.ts'

/** Every format we know, in the order they are probed. */
export const diskFormats: readonly DiskFormat[] = [vhd, vhdx, vmdk, vdi, qcow2, raw]
