import { Anchor, Badge, Group, Text } from '@mantine/core'
import { Link } from 'react-router'
import { formatSize } from '../../base/index.ts'
import type { ChainLink, DiskReport } from '../../disk/index.ts'
import { baseName } from '../parts/format.ts'
import { CHAIN_STATES, FOUND_BY } from './chain-states.ts'
import { inspectAddress } from './inspect-address.ts'
import classes from './reports.module.css'

/** The chain as it lies: the disk itself on top, each parent under its child. */
export function ChainStack({ report }: { readonly report: DiskReport }) {
  return (
    <ol className={classes.stack} aria-label="Chain of disks, topmost first">
      <li className={classes.layer} style={{ '--layer': 'var(--mantine-color-fern-6)' }}>
        <Text size="sm" fw={650}>
          {baseName(report.path)}
        </Text>
        <Text size="xs" c="dimmed">
          this disk · {report.format.toUpperCase()} {report.subformat} · {formatSize(report.virtualSize)}
        </Text>
      </li>
      {report.chain.map((link, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a broken chain may name the same file twice
        <Layer key={index} link={link} />
      ))}
    </ol>
  )
}

function Layer({ link }: { readonly link: ChainLink }) {
  const state = CHAIN_STATES[link.state]
  const facts = [
    link.format && `${link.format.toUpperCase()} ${link.subformat ?? ''}`.trim(),
    link.sizeBytes !== undefined && formatSize(link.sizeBytes),
    link.foundBy && `found ${FOUND_BY[link.foundBy]}`,
  ].filter((fact) => typeof fact === 'string')
  return (
    <li
      className={classes.layer}
      data-missing={link.path === undefined}
      style={{ '--layer': `var(--mantine-color-${state.color}-6)` }}
    >
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="sm" fw={650} className="one-line">
          {link.path === undefined ? (
            baseName(link.recordedAs[0] ?? 'unnamed parent')
          ) : (
            <PathLink path={link.path} />
          )}
        </Text>
        <Badge variant="light" color={state.color} tt="none" radius="sm">
          {state.label}
        </Badge>
      </Group>
      {link.path !== undefined && (
        <Text size="xs" c="dimmed" className="path">
          {link.path}
        </Text>
      )}
      {facts.length > 0 && (
        <Text size="xs" c="dimmed">
          {facts.join(' · ')}
        </Text>
      )}
      {'next' in state && (
        <Text size="sm" mt={6}>
          <strong>What to do: </strong>
          {state.next}
        </Text>
      )}
      {link.state !== 'found' && link.recordedAs.length > 0 && (
        <>
          <Text size="xs" c="dimmed" mt={6}>
            Recorded in the child as
          </Text>
          <ul className={classes.recorded}>
            {link.recordedAs.map((path) => (
              <li key={path} className="path">
                {path}
              </li>
            ))}
          </ul>
        </>
      )}
    </li>
  )
}

function PathLink({ path }: { readonly path: string }) {
  return (
    <Anchor component={Link} to={inspectAddress(path)} inherit title={path}>
      {baseName(path)}
    </Anchor>
  )
}
