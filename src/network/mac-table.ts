/**
 * Where each station was last heard (the filtering database of IEEE 802.1D-2004, 7.9), for each VLAN apart
 * (independent learning, 802.1Q-2018, 8.8.1): a router has one address in several of them, at different ports. Entries
 * age out lazily, on look-up; when the table is full, the address that was learned first makes room, so that a guest
 * which invents addresses costs the others some flooding but never memory.
 */

/** IEEE 802.1D-2004, table 7-5: the recommended ageing time. */
const AGEING_MS = 300_000
const MAXIMUM_STATIONS = 4096

export interface Station<Port> {
  port: Port
  /** Milliseconds on the switch's clock. */
  seenAt: number
}

type Stations<Port> = Map<number, Station<Port>>

export class MacTable<Port> {
  readonly #untagged: Stations<Port> = new Map()
  readonly #tagged = new Map<number, Stations<Port>>()
  #size = 0

  learn(vlan: number, mac: number, port: Port, now: number): void {
    const stations = this.#stationsOf(vlan) ?? this.#newVlan(vlan)
    const station = stations.get(mac)
    if (station !== undefined) {
      station.port = port
      station.seenAt = now
      return
    }
    if (this.#size >= MAXIMUM_STATIONS) this.#makeRoom(stations)
    stations.set(mac, { port, seenAt: now })
    this.#size++
  }

  find(vlan: number, mac: number, now: number): Port | undefined {
    const stations = this.#stationsOf(vlan)
    const station = stations?.get(mac)
    if (station === undefined) return undefined
    if (now - station.seenAt <= AGEING_MS) return station.port
    this.#remove(stations!, mac)
    return undefined
  }

  forget(port: Port): void {
    for (const [, stations] of this.#all())
      for (const [mac, station] of stations) if (station.port === port) this.#remove(stations, mac)
  }

  *entries(now: number): Generator<[mac: number, station: Readonly<Station<Port>>, vlan: number], void> {
    for (const [vlan, stations] of this.#all())
      for (const [mac, station] of stations) if (now - station.seenAt <= AGEING_MS) yield [mac, station, vlan]
  }

  #stationsOf(vlan: number): Stations<Port> | undefined {
    return vlan === 0 ? this.#untagged : this.#tagged.get(vlan)
  }

  #newVlan(vlan: number): Stations<Port> {
    const stations: Stations<Port> = new Map()
    this.#tagged.set(vlan, stations)
    return stations
  }

  *#all(): Generator<[vlan: number, stations: Stations<Port>], void> {
    yield [0, this.#untagged]
    yield* this.#tagged
  }

  /** Whoever fills the table loses his own first: another VLAN pays only when this one has nothing yet. */
  #makeRoom(own: Stations<Port>): void {
    const full = own.size > 0 ? own : [...this.#all()].find(([, { size }]) => size > 0)![1]
    for (const oldest of full.keys()) {
      this.#remove(full, oldest)
      break
    }
  }

  #remove(stations: Stations<Port>, mac: number): void {
    stations.delete(mac)
    this.#size--
  }
}
