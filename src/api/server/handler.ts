import type { z } from 'zod'
import type { VirtualServer } from '../../server/index.ts'
import type { Output, RouteName, Routes } from '../contract.ts'

/** What the server answers may be read-only all through; the contract only says what is sent. */
type Answer<Value> = Value extends readonly (infer Item)[]
  ? readonly Answer<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Answer<Value[Key]> }
    : Value

/** What answers a route. */
export type Handler<Name extends RouteName> = (
  server: VirtualServer,
  input: z.output<Routes[Name]['input']>,
) => Answer<Output<Name>> | Promise<Answer<Output<Name>>>
