import type { Inspection } from '../../api/index.ts'
import { DiskReportView } from './disk-report.tsx'
import { MachineReportView } from './machine-report.tsx'
import { NetworkReportView } from './network-report.tsx'

/** Whatever the file turned out to be. */
export function InspectionView({ inspection }: { readonly inspection: Inspection }) {
  if (inspection.kind === 'disk') return <DiskReportView report={inspection} />
  if (inspection.kind === 'machine') return <MachineReportView report={inspection} />
  return <NetworkReportView report={inspection} />
}
