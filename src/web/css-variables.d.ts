import 'react'

/** Custom properties carry colours of data into style sheets. */
declare module 'react' {
  interface CSSProperties {
    [variable: `--${string}`]: string | number | undefined
  }
}
