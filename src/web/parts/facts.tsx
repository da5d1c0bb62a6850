import { Fragment, type ReactNode } from 'react'
import classes from './facts.module.css'

/** Names and values; a value that is undefined is left out with its name. */
export function Facts({ of }: { readonly of: Record<string, ReactNode | undefined> }) {
  return (
    <dl className={classes.facts}>
      {Object.entries(of)
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  )
}
