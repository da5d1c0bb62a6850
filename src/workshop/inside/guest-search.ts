import { VivariumError } from '../../base/index.ts'
import { type GuestFiles, type GuestReport, guestFromFiles } from '../../disk/index.ts'
import type { Session } from './session.ts'
import type { Volume } from './volume.ts'

/** Looks for a system on every volume that can be read; the surest one found is the answer. */
export async function guestIn(session: Session): Promise<GuestReport | undefined> {
  let best: GuestReport | undefined
  for (const { number, readable } of session.volumes()) {
    if (!readable) continue
    try {
      const found = await guestFromFiles(await filesOf(session.volume(number)))
      if (found?.confidence === 'certain') return found
      best ??= found
    } catch (error) {
      // One damaged volume says nothing of the others.
      if (!(error instanceof VivariumError)) throw error
    }
  }
  return best
}

async function filesOf(volume: Volume): Promise<GuestFiles> {
  const { tree } = await volume.listed()
  return {
    has: (path) => tree.seek(path) !== undefined,
    async read(path, limit) {
      const found = tree.seek(path)
      if (found?.entry.kind !== 'file' || found.entry.sizeBytes > limit) return undefined
      const bytes = new Uint8Array(found.entry.sizeBytes)
      let at = 0
      await volume.extract(found.path, (event) => {
        if (event.event === 'data') {
          bytes.set(event.bytes, at)
          at += event.bytes.length
        } else if (event.event === 'hole') at += event.length
      })
      return bytes
    },
  }
}
