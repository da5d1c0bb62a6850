import { z } from 'zod'
import { parseIpv4, parseMac } from '../addresses.ts'

/** Which frames a capture takes: those that meet every condition that is set. */
export const captureFilterSchema = z.object({
  /** Name of a port; both ways of it. Without: each frame once, where it enters the switch. */
  port: z.string().optional(),
  /** From or to this address. */
  mac: z
    .string()
    .refine((text) => parseMac(text) !== undefined, 'It is not a MAC address')
    .optional(),
  /** IPv4 (or ARP) from or to this address. */
  address: z
    .string()
    .refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address')
    .optional(),
  protocol: z.enum(['arp', 'ipv4', 'ipv6', 'icmp', 'tcp', 'udp']).optional(),
  /** TCP or UDP port, of either end. */
  portNumber: z.int().min(1).max(65_535).optional(),
  /** Bytes of each frame that are kept. */
  snapLength: z.int().min(14).max(69_632).optional(),
})

export type CaptureFilter = z.infer<typeof captureFilterSchema>

/** When a capture's file is full: the next one begins, and only so many stay. */
export const captureFileSchema = z.object({
  /** Absolute path. With `maximumFiles` over 1 a number is put before the extension: lab.1.pcapng. */
  path: z.string().min(1),
  maximumBytes: z
    .int()
    .min(64 * 1024)
    .optional(),
  maximumSeconds: z.number().positive().optional(),
  /** 1 = the capture ends when its file is full. */
  maximumFiles: z.int().min(1).max(1000).default(1),
})

export type CaptureFile = z.infer<typeof captureFileSchema>

export interface CaptureStatus {
  readonly id: number
  readonly network: string
  /** Absent when it goes to a socket. */
  readonly path?: string
  readonly startedAt: string
  readonly framesCaptured: number
  readonly bytesCaptured: number
  /** Lost because the file or the reader was too slow. */
  readonly framesDropped: number
}
