import { Text, UnstyledButton } from '@mantine/core'
import { IconDatabase } from '@tabler/icons-react'
import type { DiskVolume } from '../../../api/index.ts'
import { formatSize } from '../../../base/index.ts'
import classes from './disk-files.module.css'
import { moveFocus } from './move-focus.ts'
import { volumeName } from './place.ts'

interface VolumeListProps {
  readonly volumes: readonly DiskVolume[]
  readonly onOpen: (volume: number) => void
}

/** The volumes of a disk, as folders; one whose file system cannot be read says so and is not opened. */
export function VolumeList({ volumes, onOpen }: VolumeListProps) {
  return (
    <ul className={classes.list} aria-label="Volumes">
      {volumes.map((volume) => (
        <li key={volume.number}>
          {volume.readable ? (
            <UnstyledButton
              className={classes.entry}
              onClick={() => onOpen(volume.number)}
              onKeyDown={moveFocus}
            >
              <Volume volume={volume} />
            </UnstyledButton>
          ) : (
            <div className={classes.entry} data-unreadable>
              <Volume volume={volume} />
            </div>
          )}
        </li>
      ))}
    </ul>
  )
}

function Volume({ volume }: { readonly volume: DiskVolume }) {
  return (
    <>
      <IconDatabase size={20} />
      <span className="one-line">{volumeName(volume)}</span>
      <small>{volume.readable ? '' : 'its files cannot be listed'}</small>
      <Text span size="xs" c="dimmed" ta="right">
        {formatSize(volume.sizeBytes)}
      </Text>
    </>
  )
}
