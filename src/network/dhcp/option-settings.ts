import { z } from 'zod'
import { asciiBytes, fromHex } from '../../base/index.ts'
import { parseIpv4, writeUint16, writeUint32 } from '../addresses.ts'
import { addressesOption, OPTION } from './options.ts'

/** An option as an owner writes it: its number, and a value of a type that has one way on the wire. */

/** The protocol's own and those that have settings of their own: a wrong value would break every lease. */
const NOT_BY_NUMBER: ReadonlySet<number> = new Set([
  ...[OPTION.pad, OPTION.end, OPTION.subnetMask, OPTION.requestedAddress, OPTION.leaseTime, OPTION.overload],
  ...[OPTION.messageType, OPTION.server, OPTION.parameterRequest, OPTION.message, OPTION.maximumSize],
  ...[OPTION.renewalTime, OPTION.rebindingTime, OPTION.clientId, OPTION.rapidCommit, OPTION.relayInformation],
])

export const addressSchema = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, 'It is not an IPv4 address')

const code = z
  .int()
  .min(1)
  .max(254)
  .refine((number) => !NOT_BY_NUMBER.has(number), 'This option is the protocol’s own, or has its own setting')

const common = {
  code,
  /** Sent whether the client asks for it (option 55) or not. */
  always: z.boolean().optional(),
}

export const optionSettingSchema = z.discriminatedUnion('type', [
  z.object({
    ...common,
    type: z.literal('text'),
    value: z
      .string()
      .max(255)
      .regex(/^[\x20-\x7e]+$/, 'It is not printable ASCII'),
  }),
  z.object({ ...common, type: z.literal('addresses'), value: z.array(addressSchema).min(1).max(32) }),
  z.object({ ...common, type: z.literal('number8'), value: z.int().min(0).max(0xff) }),
  z.object({ ...common, type: z.literal('number16'), value: z.int().min(0).max(0xffff) }),
  z.object({ ...common, type: z.literal('number32'), value: z.int().min(0).max(0xffff_ffff) }),
  z.object({
    ...common,
    type: z.literal('bytes'),
    /** Hexadecimal, such as `01:0a ff`. */
    value: z
      .string()
      .max(1024)
      .refine((text) => bytesOf(text) !== undefined, 'It is not a row of bytes, such as 01:0a:ff'),
  }),
  z.object({ ...common, type: z.literal('flag'), value: z.boolean() }),
])

export type OptionSetting = z.infer<typeof optionSettingSchema>

/** Options to send: those a client asks for, and those it gets in any case. */
export interface OptionSet {
  readonly values: ReadonlyMap<number, Uint8Array>
  readonly always: ReadonlySet<number>
}

export const NO_OPTIONS: OptionSet = { values: new Map(), always: new Set() }

export function optionSet(settings: readonly OptionSetting[] = []): OptionSet {
  if (settings.length === 0) return NO_OPTIONS
  return {
    values: new Map(settings.map((setting) => [setting.code, optionBytes(setting)])),
    always: new Set(settings.filter(({ always }) => always).map((setting) => setting.code)),
  }
}

export function optionBytes(setting: OptionSetting): Uint8Array {
  switch (setting.type) {
    case 'text':
      return asciiBytes(setting.value)
    case 'addresses':
      return addressesOption(setting.value.map((text) => parseIpv4(text)!))
    case 'number8':
      return Uint8Array.of(setting.value)
    case 'number16': {
      const bytes = new Uint8Array(2)
      writeUint16(bytes, 0, setting.value)
      return bytes
    }
    case 'number32': {
      const bytes = new Uint8Array(4)
      writeUint32(bytes, 0, setting.value)
      return bytes
    }
    case 'bytes':
      return bytesOf(setting.value)!
    case 'flag':
      // RFC 2132, 4.1 and others: one byte, 1 = on.
      return Uint8Array.of(setting.value ? 1 : 0)
  }
}

/** Hexadecimal with colons, dashes, blanks or nothing between the bytes; undefined when it is anything else. */
export function bytesOf(text: string): Uint8Array | undefined {
  const digits = text.replace(/[:\- ]/g, '')
  return digits === '' ? undefined : fromHex(digits.toLowerCase())
}
