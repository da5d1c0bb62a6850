import { Paper } from '@mantine/core'
import { IconAdjustments } from '@tabler/icons-react'
import { Link } from 'react-router'
import { useNetworks } from '../../network/network-queries.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Page } from '../../parts/page.tsx'
import { KINDS } from './network-words.ts'
import classes from './networks.module.css'

/** Virtual Server's Configure: which of them? */
export function ChooseNetwork() {
  const networks = useNetworks()
  return (
    <Page title="Configure a network" lead="Which one?" narrow>
      {networks.isError && <ErrorCard title="The networks cannot be listed" error={networks.error} />}
      <Paper p="md">
        <ul className={classes.list}>
          {networks.data?.map((network) => (
            <li key={network.key}>
              <div>
                <Link to={`/network/${network.key}/configure`}>{network.name}</Link>
                <small>
                  {KINDS[network.kind].label}
                  {network.dhcp.range !== undefined && ` · DHCP ${network.dhcp.range}`}
                </small>
              </div>
              <IconAdjustments size={18} aria-hidden="true" />
            </li>
          ))}
        </ul>
      </Paper>
    </Page>
  )
}
