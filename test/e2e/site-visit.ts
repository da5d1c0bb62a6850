import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { complaintsOf, openBrowser } from './browser.ts'
import { newFolder, type ServerProcess, startServer } from './server-process.ts'

/** A visit to the site, as its users make it: a real browser, a real server. Told in what can be seen. */
export interface Visit {
  readonly page: Page
  readonly server: ServerProcess
  /** Errors of the page's scripts or against its security policy, so far. */
  readonly complaints: string[]
}

/** A signed-in browser on Master Status; undefined when there is no browser. */
export async function visit(t: TestContext): Promise<Visit | undefined> {
  const browser = await openBrowser(t)
  if (browser === undefined) return undefined
  const server = await startServer(t, newFolder(t))
  const page = await browser.newPage({ viewport: { width: 1280, height: 860 } })
  const complaints = complaintsOf(page)
  await page.goto(server.signInLink)
  await page.getByRole('heading', { name: 'Master Status' }).waitFor()
  return { page, server, complaints }
}

export const state = (page: Page, name: string) => page.getByText(name, { exact: true }).first().waitFor()
export const heading = (page: Page, name: string) =>
  page.getByRole('heading', { name, exact: true }).waitFor()
export const go = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }).first().click()
