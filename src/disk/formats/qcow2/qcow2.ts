import { type ByteStore, type Problem, problemFrom } from '../../../base/index.ts'
import type { DiskFormat, DiskImage, ImageFacts, Layer, Surroundings } from '../../format.ts'
import { inflateRaw } from '../../inflate.ts'
import { ClusterLayer } from './cluster-layer.ts'
import { expandQcow2 } from './expand.ts'
import { bitmapNotes, foreignCompression } from './features.ts'
import { hasMagic } from './header.ts'
import { HostFile } from './host-file.ts'
import { layoutQcow2, QCOW2_SUBFORMATS, qcow2Unit } from './layout.ts'
import { Mapping } from './mapping.ts'
import { type Parsed, parse } from './parsed-image.ts'
import { survey } from './survey.ts'
import { prepareToWrite } from './writing.ts'

/**
 * QEMU's copy-on-write format, versions 2 and 3, after its specification (docs/interop/qcow2 in QEMU's sources).
 * Read: all but encryption, external data files, extended L2 entries and zstd. Written: without lazy refcounts, so
 * that an image is never marked dirty.
 */
export const qcow2: DiskFormat = {
  name: 'qcow2',
  label: 'QEMU copy-on-write image',
  extensions: ['.qcow2', '.qcow'],
  probe: (store) => (hasMagic(store) ? 'sure' : 'no'),
  read: readQcow2,
  subformats: QCOW2_SUBFORMATS,
  layout: layoutQcow2,
  layoutUnit: qcow2Unit,
  expand: expandQcow2,
}

function readQcow2(store: ByteStore, surroundings: Surroundings = {}): DiskImage {
  const parsed = parse(store)
  return {
    facts: factsOf(parsed),
    survey: () => surveyImage(parsed),
    open: (writable) => openImage(parsed, writable, surroundings),
  }
}

const SHOWN_NAMES = 5

function factsOf({ store, header, layout, bitmaps, backing, snapshots, problems }: Parsed): ImageFacts {
  const notes: Problem[] = bitmapNotes(store, bitmaps, header)
  const names = snapshots?.snapshots.map(({ name }) => `"${name}"`) ?? []
  if (names.length > 0)
    notes.push({
      code: 'qcow2-has-snapshots',
      severity: 'note',
      message: `The image holds ${names.length} snapshots: ${names.slice(0, SHOWN_NAMES).join(', ')}${names.length > SHOWN_NAMES ? ' ...' : ''}.`,
      next: 'What is shown is the active disk. The snapshots stay as they are.',
      where: { path: store.name },
    })
  if (header.sizeBytes !== layout.sizeBytes)
    notes.push({
      code: 'qcow2-odd-size',
      severity: 'warning',
      message: `The size of ${header.sizeBytes} bytes is no whole number of sectors; the last one is filled up with zeroes.`,
      where: { path: store.name, offset: 24, field: 'size' },
    })
  return {
    format: 'qcow2',
    subformat: backing === undefined ? 'dynamic' : 'differencing',
    sizeBytes: layout.sizeBytes,
    blockSize: layout.clusterSize,
    ...(backing && { parent: backing.reference }),
    inSavedState: false,
    problems: [...problems, ...notes],
  }
}

function surveyImage({
  store,
  header,
  layout,
  snapshots,
  hasBitmaps,
}: Parsed): ReturnType<DiskImage['survey']> {
  try {
    const { allocated, problems } = survey(new HostFile(store, layout.clusterSize), layout, header, snapshots)
    // Persistent bitmaps have clusters of their own, which are not followed, and no leaks.
    return {
      allocated,
      problems: hasBitmaps ? problems.filter(({ code }) => code !== 'qcow2-leaked-clusters') : problems,
    }
  } catch (error) {
    return { allocated: 0, problems: [problemFrom(error)] }
  }
}

function openImage(parsed: Parsed, writable: boolean, { inflate = inflateRaw }: Surroundings): Layer {
  const { store, header, layout } = parsed
  const host = new HostFile(store, layout.clusterSize)
  const mapping = new Mapping(host, layout)
  const parts = { host, layout, mapping, inflate, foreignCompression: foreignCompression(header) }
  if (!writable) return new ClusterLayer(parts)
  return new ClusterLayer({ ...parts, writing: prepareToWrite(parsed, host, mapping) })
}
