import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { type Browser, chromium, type Locator, type Page } from 'playwright-core'
import { until } from './server-process.ts'

const PLACES = [
  process.env.VIVARIUM_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]

/** What stays at home: a test browser asks nobody but the server under test. */
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export const browserPath = PLACES.find((path) => path !== undefined && existsSync(path))

/** A fresh browser without any cookie; undefined = skipped, by name. */
export async function openBrowser(t: TestContext): Promise<Browser | undefined> {
  if (browserPath === undefined) {
    t.skip('no browser: install chromium (or set VIVARIUM_CHROMIUM)')
    return undefined
  }
  const browser = await chromium.launch({ executablePath: browserPath, args: QUIET })
  t.after(() => browser.close())
  return browser
}

/** Everything the page complained about: errors of its scripts and of its security policy. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource')
    if (message.type() === 'error' && !isRefusal) complaints.push(message.text())
  })
  return complaints
}

/** Colours on a canvas, counted coarsely, and a number that changes with its pixels. */
export async function pixelsOf(canvas: Locator): Promise<{ colours: number; sum: number }> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement
    const context = (element as HTMLCanvasElement).getContext('2d')
    if (context === null || width === 0 || height === 0) return { colours: 0, sum: 0 }
    const { data } = context.getImageData(0, 0, width, height)
    const colours = new Set<number>()
    let sum = 0
    for (let i = 0; i < data.length; i += 4) {
      const colour = (data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!
      colours.add(colour)
      sum = (sum * 31 + colour) | 0
    }
    return { colours: colours.size, sum }
  })
}

/** Text in a guest's own letters: white pixels in a band of the screen. */
export async function litPixels(canvas: Locator, fromShare: number, toShare: number): Promise<number> {
  return canvas.evaluate(
    (element, [from, to]) => {
      const { width, height } = element as HTMLCanvasElement
      const context = (element as HTMLCanvasElement).getContext('2d')
      const top = Math.floor(height * from!)
      const rows = Math.floor(height * to!) - top
      if (context === null || width === 0 || rows <= 0) return 0
      const { data } = context.getImageData(0, top, width, rows)
      let lit = 0
      for (let i = 0; i < data.length; i += 4) if (data[i]! + data[i + 1]! + data[i + 2]! > 240) lit++
      return lit
    },
    [fromShare, toShare],
  )
}

/** Waits until the guest has drawn something with several colours. */
export function picture(canvas: Locator): Promise<true> {
  return until('the guest draws its screen', async () => {
    if ((await canvas.count()) === 0) return undefined
    return (await pixelsOf(canvas)).colours >= 4 || undefined
  })
}
