import { config } from 'zod'

// Schemas try `new Function` when they are made, which the content security policy forbids and the browser
// reports as an error. To be imported before anything that makes schemas.
config({ jitless: true })
