import { operationNamed } from '../../src/workshop/index.ts'

/** Runs one operation, named by the arguments with what it needs to know, in a process that a test kills. */
const [, , name = '', text = '', root = ''] = process.argv
const operation = operationNamed(name)
const spec = operation.schema.parse(JSON.parse(text))
const quiet = { progress: () => undefined, note: () => undefined }
process.send?.('ready')
await operation.run(spec, { ...quiet, signal: new AbortController().signal, roots: [root] })
process.send?.('done')
process.disconnect()
