import { Component, type ReactNode } from 'react'
import { ErrorCard } from '../parts/error-card.tsx'

/** A page that breaks (or a part of the site that cannot be fetched) leaves the navigation working. */
export class Boundary extends Component<{ readonly children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {}

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override render() {
    if (this.state.error === undefined) return this.props.children
    return (
      <ErrorCard
        title="This page cannot be shown"
        error={this.state.error}
        retry={() => window.location.reload()}
      />
    )
  }
}
