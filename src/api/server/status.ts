import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorKind, VivariumError } from '../../base/index.ts'

/** HTTP status of each kind of error. */
const STATUS_OF_KIND = {
  invalid: 400,
  malformed: 422,
  corrupt: 422,
  unsupported: 501,
  'not-found': 404,
  conflict: 409,
  busy: 423,
  denied: 403,
  unavailable: 503,
  io: 500,
} as const satisfies Record<ErrorKind, ContentfulStatusCode>

/** Where HTTP has a status of its own for one error, that is the better one. */
const STATUS_OF_CODE: Readonly<Record<string, ContentfulStatusCode>> = {
  'signed-out': 401,
  'body-too-large': 413,
}

export function statusOf({ kind, code }: VivariumError): ContentfulStatusCode {
  return STATUS_OF_CODE[code] ?? STATUS_OF_KIND[kind]
}
