import { bytesEqual } from '../base/index.ts'
import { encodePng, grabScreen, scaleDown } from '../engine/index.ts'

/** Virtual Server's thumbnails were 64 x 48; screens have grown. */
const THUMBNAIL = { width: 200, height: 150 }

/** The latest small picture of a machine's screen, with a number that counts up with every change. */
export class Picture {
  png: Uint8Array | undefined
  version = 0

  /** The whole screen as PNG. */
  static async grab(consoleSocket: string): Promise<Uint8Array> {
    return encodePng(await grabScreen(consoleSocket))
  }

  /** True when there is a new picture. A console that does not answer keeps the old one. */
  async refresh(consoleSocket: string): Promise<boolean> {
    const screen = await grabScreen(consoleSocket).catch(() => undefined)
    if (screen === undefined) return false
    const png = encodePng(scaleDown(screen, THUMBNAIL.width, THUMBNAIL.height))
    if (this.png !== undefined && bytesEqual(png, this.png)) return false
    this.png = png
    this.version++
    return true
  }
}
