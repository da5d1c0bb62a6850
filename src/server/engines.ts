import { chooseEngine, type Engine, type EngineFacts, engines, type RunSpec } from '../engine/index.ts'
import type { EngineWish } from './registry.ts'

/** A survey may have to run a guest (the KVM probe), so its answer is kept for a while. */
const SURVEY_MILLISECONDS = 5 * 60_000

/** The engines of this computer, surveyed once, and the choice among them. */
export class Engines {
  #survey: Promise<EngineFacts[]> | undefined
  #surveyedAt = 0
  #facts: EngineFacts[] = []

  async facts(): Promise<EngineFacts[]> {
    if (this.#survey === undefined || Date.now() - this.#surveyedAt > SURVEY_MILLISECONDS) {
      this.#surveyedAt = Date.now()
      this.#survey = Promise.all(engines.map((engine) => engine.survey()))
      this.#facts = await this.#survey
    }
    return this.#survey
  }

  /** What is known without waiting; empty until the first survey has ended. */
  factsSoFar(): readonly EngineFacts[] {
    return this.#facts
  }

  /** @throws VivariumError kind `unavailable` or `unsupported` when no engine can run it. */
  async choose(
    spec: RunSpec,
    wish: EngineWish,
  ): Promise<{ engine: Engine; facts: EngineFacts; reason: string }> {
    const facts = await this.facts()
    const { engine: name, reason } = chooseEngine(spec, facts, wish)
    return { engine: engineNamed(name), facts: facts.find((entry) => entry.name === name)!, reason }
  }
}

export function engineNamed(name: string): Engine {
  return engines.find((engine) => engine.name === name)!
}
