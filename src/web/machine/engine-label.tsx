import { Badge, Tooltip } from '@mantine/core'
import type { MachineSummary } from '../../api/index.ts'

const ENGINES = { v86: 'v86', qemu: 'QEMU' } as const
const ACCELERATORS: Record<string, string> = { kvm: 'KVM', tcg: 'TCG' }

export function engineText(engine: NonNullable<MachineSummary['engine']>): string {
  if (engine.name === 'v86') return ENGINES.v86
  const accelerator = ACCELERATORS[engine.accelerator] ?? engine.accelerator
  return `${ENGINES[engine.name]} · ${accelerator}`
}

/** Which engine runs it or would, as far as it is known, and why on hover or focus. */
export function EngineLabel({ machine: { engine } }: { readonly machine: MachineSummary }) {
  // Of a machine that is off only its page knows, and says why there is none.
  if (engine === undefined) return null
  return (
    <Tooltip label={engine.reason}>
      <Badge
        variant="default"
        radius="sm"
        tt="none"
        fw={500}
        style={{ flex: 'none' }}
        tabIndex={0}
        aria-description={engine.reason}
      >
        {engineText(engine)}
      </Badge>
    </Tooltip>
  )
}
