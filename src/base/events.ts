/** A typed event source. Listeners run in the order they were added; `on` returns its own removal. */
export class Events<Table extends object> {
  readonly #listeners = new Map<keyof Table, Set<(value: never) => void>>()

  on<Name extends keyof Table>(name: Name, listener: (value: Table[Name]) => void): () => void {
    const set = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, set)
    set.add(listener as (value: never) => void)
    return () => set.delete(listener as (value: never) => void)
  }

  emit<Name extends keyof Table>(name: Name, value: Table[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])])
      (listener as (value: Table[Name]) => void)(value)
  }
}
