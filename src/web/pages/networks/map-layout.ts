import type { Adapter, NetworkSummary } from '../../../api/index.ts'

/**
 * Where everything is drawn on the map of networks, in pixels. A network is a band with a cable through it; machines
 * hang on both sides of the cable, and further pieces of cable follow where one row is not enough.
 *
 *     | Name                       [dhcp] [dns] |
 *     |            [machine]  [machine]         |
 *     | uplink ==========================       |
 *     |            [machine]                    |
 */

export const STATION = { width: 128, height: 42, gap: 10 } as const
const HEADER = 36
/** Between a station and the cable. */
const LEAD = 16
const PADDING = 14
/** From the uplink's width to the first station, past the cable that goes down. */
const FIRST = 40
/** Left of the first station: the uplink. */
export const UPLINK = { width: 118, height: 42 } as const

export interface Station {
  readonly adapter: Adapter
  readonly x: number
  readonly y: number
  /** Where its lead meets the cable. */
  readonly cableY: number
  /** Which edge of it the lead starts from. */
  readonly isAbove: boolean
}

export interface Band {
  /** Undefined: the adapters that are plugged in nowhere. */
  readonly network: NetworkSummary | undefined
  readonly y: number
  readonly height: number
  readonly stations: readonly Station[]
  /** Heights of the pieces of cable; the first has the uplink. */
  readonly cables: readonly number[]
}

export interface MapLayout {
  readonly width: number
  readonly height: number
  readonly bands: readonly Band[]
}

export function layoutMap(
  networks: readonly NetworkSummary[],
  adapters: readonly Adapter[],
  width: number,
): MapLayout {
  const across = Math.max(
    1,
    Math.floor((width - UPLINK.width - FIRST - PADDING) / (STATION.width + STATION.gap)),
  )
  const bands: Band[] = []
  let y = 0
  const add = (network: NetworkSummary | undefined, own: readonly Adapter[]) => {
    const band = layoutBand(network, own, y, across)
    bands.push(band)
    y += band.height + 12
  }
  for (const network of networks)
    add(
      network,
      adapters.filter((adapter) => adapter.network === network.key),
    )
  const known = new Set(networks.map(({ key }) => key))
  const loose = adapters.filter(({ network }) => network === undefined || !known.has(network))
  if (adapters.length > 0) add(undefined, loose)
  return { width, height: Math.max(0, y - 12), bands }
}

function layoutBand(
  network: NetworkSummary | undefined,
  adapters: readonly Adapter[],
  top: number,
  across: number,
): Band {
  const stations: Station[] = []
  const cables: number[] = []
  let y = top + HEADER
  const row = (first: number, isAbove: boolean, cableY: number) => {
    for (const [column, adapter] of adapters.slice(first, first + across).entries())
      stations.push({
        adapter,
        x: UPLINK.width + FIRST + column * (STATION.width + STATION.gap),
        y: isAbove ? cableY - LEAD - STATION.height : cableY + LEAD,
        cableY,
        isAbove,
      })
  }
  if (network === undefined && adapters.length === 0)
    return { network, y: top, height: HEADER + PADDING, stations, cables }
  for (let first = 0; first === 0 || first < adapters.length; first += 2 * across) {
    // Nobody hangs above a cable that has no machine: the band is as low as its uplink.
    const cable = y + (adapters.length === 0 ? UPLINK.height / 2 : STATION.height + LEAD)
    cables.push(cable)
    row(first, true, cable)
    const hasBelow = adapters.length > first + across
    if (hasBelow) row(first + across, false, cable)
    y = cable + (hasBelow ? LEAD + STATION.height : UPLINK.height / 2) + LEAD
  }
  return { network, y: top, height: y - top - LEAD + PADDING, stations, cables }
}

/** The band under the pointer. */
export function bandAt(layout: MapLayout, y: number): Band | undefined {
  return layout.bands.find((band) => y >= band.y && y <= band.y + band.height)
}

/** Text on the map cannot wrap; the whole name is in its title. Names of machines differ most at their ends. */
export function shorten(text: string, length: number): string {
  if (text.length <= length) return text
  const end = Math.floor(length / 3)
  return `${text.slice(0, length - 1 - end).trimEnd()}…${text.slice(-end).trimStart()}`
}
