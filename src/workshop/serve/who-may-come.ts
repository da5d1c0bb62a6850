import { isIP } from 'node:net'
import { VivariumError } from '../../base/index.ts'
import type { NbdAddress, TlsRules } from '../../system/index.ts'

export interface AccessRules {
  /** Serve others than this computer's users without TLS. */
  readonly insecure: boolean
  /** With TLS, serve clients that do not say who they are. */
  readonly allowAnonymous: boolean
}

/**
 * Every door of Vivarium asks who is there: the file system answers for a Unix socket, a certificate or a shared key
 * for the network. Whoever wants it otherwise has to say so.
 * @throws VivariumError kind `denied`.
 */
export function checkAccess(
  address: NbdAddress,
  tls: TlsRules | undefined,
  { insecure, allowAnonymous }: AccessRules,
): void {
  if ('path' in address) return
  if (tls === undefined && !isLoopback(address.host) && !insecure) {
    throw new VivariumError(
      'denied',
      'serve-needs-tls',
      `On ${address.host} everybody who reaches this computer could read the disk, and on the way there too: NBD without TLS asks nobody who he is.`,
      {
        next: 'Add --tls-cert, --tls-key and --tls-ca, or --tls-psk. In a network that is yours alone: --insecure.',
      },
    )
  }
  if (tls !== undefined && !tls.knowsClients && !allowAnonymous) {
    throw new VivariumError(
      'denied',
      'serve-anonymous',
      'The certificate hides what is sent, and does not ask the clients who they are.',
      {
        next: 'Add --tls-ca with the authority of their certificates, or serve anybody with --allow-anonymous.',
      },
    )
  }
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
