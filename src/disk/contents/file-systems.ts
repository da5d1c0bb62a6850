import { asciiOf, viewOf } from '../../base/index.ts'
import { ifReadable } from './disk-bytes.ts'
import { recogniseExfat } from './exfat.ts'
import { recogniseExt } from './ext.ts'
import { recogniseFat } from './fat.ts'
import { recogniseNtfs } from './ntfs.ts'
import { type FileSystem, type Volume, withLabel } from './volume.ts'

type Recogniser = (volume: Volume) => FileSystem | undefined

/** Boot sector signatures first: they are exact. FAT comes late, its boot sector is the least telling. */
const RECOGNISERS: readonly Recogniser[] = [
  recogniseNtfs,
  recogniseExfat,
  magic('ReFS', 3, 'ReFS\0\0\0\0'),
  magic('BitLocker', 3, '-FVE-FS-'),
  magic('LUKS', 0, 'LUKS\xba\xbe'),
  magic('XFS', 0, 'XFSB', [108, 12]),
  recogniseLvm,
  recogniseExt,
  magic('swap', 4086, 'SWAPSPACE2', [1052, 16]),
  magic('swap', 4086, 'SWAP-SPACE'),
  magic('btrfs', 65_600, '_BHRfS_M', [65_835, 256]),
  magic('HPFS', 8192, '\x49\xe8\x95\xf9', [43, 11]),
  magic('ISO 9660', 32_769, 'CD001', [32_808, 32]),
  magic('UDF', 32_769, 'BEA01'),
  magic('SquashFS', 0, 'hsqs'),
  magic('APFS', 32, 'NXSB'),
  recogniseFat,
  magic('HFS+', 1024, 'H+'),
  magic('HFSX', 1024, 'HX'),
  recogniseHfs,
]

export function recogniseFileSystem(volume: Volume): FileSystem | undefined {
  for (const recognise of RECOGNISERS) {
    const found = ifReadable(() => recognise(volume))
    if (found !== undefined) return found
  }
  return undefined
}

/** Everything that a volume could be: more than one where a system was put over another and left a sign of it. */
export function recogniseAll(volume: Volume): FileSystem[] {
  return RECOGNISERS.flatMap((recognise) => ifReadable(() => recognise(volume)) ?? [])
}

function magic(kind: string, offset: number, text: string, label?: readonly [number, number]): Recogniser {
  return (volume) => {
    const found = volume.bytes(offset, text.length)
    if (found === undefined || asciiOf(found) !== text) return undefined
    const named = label && volume.bytes(label[0], label[1])
    return named ? withLabel(kind, new TextDecoder().decode(named)) : { kind }
  }
}

/** The label of an LVM physical volume lies in one of the first four sectors. */
function recogniseLvm(volume: Volume): FileSystem | undefined {
  for (let sector = 0; sector < 4; sector++) {
    const bytes = volume.bytes(sector * 512, 32)
    if (
      bytes &&
      asciiOf(bytes.subarray(0, 8)) === 'LABELONE' &&
      asciiOf(bytes.subarray(24, 32)) === 'LVM2 001'
    )
      return { kind: 'LVM2' }
  }
  return undefined
}

/** HFS: "BD" at 1024, the volume's name as a Pascal string 36 bytes further. */
function recogniseHfs(volume: Volume): FileSystem | undefined {
  const bytes = volume.bytes(1024, 64)
  if (bytes === undefined || viewOf(bytes).getUint16(0) !== 0x4244) return undefined
  return withLabel('HFS', asciiOf(bytes.subarray(37, 37 + Math.min(bytes[36]!, 27))))
}
