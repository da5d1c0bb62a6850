import { harmless } from './terminal.ts'

let shown = ''

/** A line that is rewritten on a terminal; elsewhere a line for every new step and tenth. */
export function showProgress(percent: number, text: string, left = ''): void {
  const line = harmless(`${percent.toFixed(0).padStart(3)} % ${text}${left}`)
  if (process.stderr.isTTY) process.stderr.write(`\r${line}\x1b[K${percent >= 100 ? '\n' : ''}`)
  const step = `${Math.floor(percent / 10)} ${text}`
  if (!process.stderr.isTTY && step !== shown) console.error(line)
  shown = step
}
