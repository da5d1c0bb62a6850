import { Button, Menu } from '@mantine/core'
import { IconArrowsExchange, IconChevronDown, IconPlugConnectedX } from '@tabler/icons-react'
import type { Adapter, NetworkSummary } from '../../api/index.ts'
import { adapterName } from './use-move-adapter.ts'

interface MoveMenuProps {
  readonly adapter: Adapter
  readonly networks: readonly NetworkSummary[]
  readonly busy?: boolean
  readonly onMove: (network: string | null) => void
}

/** Where the adapter's cable goes, and where else it could. */
export function MoveMenu({ adapter, networks, busy = false, onMove }: MoveMenuProps) {
  const others = networks.filter(({ key }) => key !== adapter.network)
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          loading={busy}
          rightSection={<IconChevronDown size={14} />}
          aria-label={`Move ${adapterName(adapter)} of ${adapter.machineName}`}
        >
          Move
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {others.map((network) => (
          <Menu.Item
            key={network.key}
            leftSection={<IconArrowsExchange size={16} />}
            onClick={() => onMove(network.key)}
          >
            {network.name}
          </Menu.Item>
        ))}
        {adapter.network !== undefined && others.length > 0 && <Menu.Divider />}
        {adapter.network !== undefined && (
          <Menu.Item leftSection={<IconPlugConnectedX size={16} />} onClick={() => onMove(null)}>
            Disconnect
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
