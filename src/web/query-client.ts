import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query'
import { VivariumError } from '../base/index.ts'
import { reportError } from './parts/toast.tsx'

export function isKind(error: unknown, kind: VivariumError['kind']): boolean {
  return error instanceof VivariumError && error.kind === kind
}

/** `denied` alone may also mean a folder that is not ours to read. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof VivariumError && (error.code === 'signed-out' || error.code === 'http-401')
}

/**
 * Caches what the server said. When a session has ended, whatever is asked first finds out; asking for the
 * session again then puts the signed-out page in place of the shell.
 */
export function createQueryClient(): QueryClient {
  const recheckSession = (error: unknown) => {
    if (isSignedOut(error)) void client.invalidateQueries({ queryKey: ['session'] })
  }
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        if (query.queryKey[0] !== 'session') recheckSession(error)
      },
    }),
    mutationCache: new MutationCache({
      onError: (error, _variables, _context, mutation) => {
        recheckSession(error)
        if (mutation.meta?.quiet !== true) reportError(error)
      },
    }),
    defaultOptions: {
      queries: { staleTime: 20_000, retry: (count, error) => isKind(error, 'unavailable') && count < 2 },
    },
  })
  return client
}
