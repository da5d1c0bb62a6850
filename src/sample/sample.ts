/** Machines that Vivarium can make by itself. */

export type SampleDiskType = 'fixed' | 'dynamic' | 'differencing'

export interface SampleOptions {
  /** The machine's name and that of its files; absent: the sample's own. */
  readonly name?: string
  /** Absent: dynamic. */
  readonly diskType?: SampleDiskType
  /** Called with 0 to 100 and what happens now. */
  readonly onProgress?: (percent: number, text: string) => void
  /** Ends the work; what was made so far is removed. */
  readonly signal?: AbortSignal
}

export interface BuiltSample {
  readonly vmcPath: string
  /** Topmost first: a differencing disk before the disk that it needs. */
  readonly vhdPaths: readonly string[]
}

export interface Sample {
  /** Short, lower case: what the command line calls it. */
  readonly name: string
  readonly title: string
  /** One sentence. */
  readonly description: string
  /**
   * Makes the machine in a folder that exists, whole or not at all.
   * @throws VivariumError kind `conflict` when one of its files exists already, `unavailable` when the host
   * lacks a program, `io`, `denied` ...
   */
  build(folder: string, options?: SampleOptions): Promise<BuiltSample>
}
