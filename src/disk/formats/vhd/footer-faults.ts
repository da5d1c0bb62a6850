import type { Problem } from '../../../base/index.ts'
import { nextRepair } from '../../next-steps.ts'

/** What can be wrong with one of the footers while the disk is known all the same: the reader and the doctor say it alike. */
const FAULTS = {
  'vhd-tail-footer-lost': 'The footer at the end is lost; its copy at the start is used.',
  'vhd-footer-checksum': 'The checksum of the footer at the end is wrong; its fields are used as they are.',
  'vhd-footer-checksum-copy':
    'The checksum of the footer at the end is wrong; its copy at the start is used.',
  'vhd-head-footer-lost': 'The copy of the footer at the start is lost.',
  'vhd-head-footer-checksum': 'The checksum of the footer copy at the start is wrong.',
  'vhd-footer-511': 'The footer has 511 bytes, as products before Virtual PC 2004 wrote it.',
} as const

export function footerFault(path: string, fault: keyof typeof FAULTS, offset: number): Problem {
  const isOld = fault === 'vhd-footer-511'
  return {
    code: fault.replace(/-copy$/, ''),
    severity: isOld ? 'note' : 'warning',
    message: FAULTS[fault],
    next: isOld ? `Only tools that insist on 512 bytes refuse it. ${nextRepair(path)}` : nextRepair(path),
    where: { path, offset, field: fault.startsWith('vhd-head') ? 'footer copy' : 'footer' },
  }
}
