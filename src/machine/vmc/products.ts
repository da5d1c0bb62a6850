import type { ProductStamp } from '../machine.ts'
import type { GroupReader } from '../preferences/reader.ts'

/** How Vivarium signs the files it makes and saves; the build is the package's version and a zero. */
export const VIVARIUM_STAMP = { name: 'Vivarium', build: '0.1.0.0' } as const

/** Which product wrote a file, by the name and build it leaves there (formats.md 2.6). */
interface Fingerprint {
  readonly name: string
  /** The build, or how it begins. */
  readonly build: string
  readonly product: string
}

// Longer builds first: the first row that fits names the product.
const FINGERPRINTS: readonly Fingerprint[] = [
  { name: 'Microsoft Virtual PC 2004', build: '5.3.0.', product: 'Virtual PC 2004' },
  { name: 'Microsoft Virtual PC 2004', build: '5.3.582.', product: 'Virtual PC 2004 SP1' },
  { name: 'Microsoft Virtual PC 2004', build: '5.', product: 'Virtual PC 2004' },
  { name: 'Microsoft Virtual PC 2007', build: '6.0.156.', product: 'Virtual PC 2007' },
  { name: 'Microsoft Virtual PC 2007', build: '6.0.192.', product: 'Virtual PC 2007 SP1' },
  { name: 'Microsoft Virtual PC 2007', build: '6.', product: 'Virtual PC 2007' },
  { name: 'Virtual PC', build: '6.1.7601.', product: 'Windows Virtual PC (Windows 7 SP1)' },
  { name: 'Virtual PC', build: '6.1.', product: 'Windows Virtual PC' },
  { name: VIVARIUM_STAMP.name, build: '', product: 'Vivarium' },
]

/** "Virtual PC 2007 SP1" and the like; undefined when name and build are not known. */
export function productOf(name: string, build: string): string | undefined {
  const known = FINGERPRINTS.find((row) => row.name === name && build.startsWith(row.build))
  if (known) return known.product
  // No file of Virtual Server was seen; its SDK only says that its version ends in SE or EE.
  return /virtual server/i.test(name) ? 'Virtual Server' : undefined
}

export function readStamp(group: GroupReader): ProductStamp | undefined {
  const name = group.text('name')
  const build = group.text('build')
  if (name === undefined && build === undefined) return undefined
  const product = productOf(name ?? '', build ?? '')
  return { name: name ?? '', build: build ?? '', ...(product !== undefined && { product }) }
}
