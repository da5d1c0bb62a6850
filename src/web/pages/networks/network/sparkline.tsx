import type { Rate } from '../../../network/traffic.ts'
import classes from '../networks.module.css'

const [WIDTH, HEIGHT] = [120, 28]

/** Up to 60 samples of what the machine sent and received, the newest at the right. The numbers beside it say the same. */
export function Sparkline({ history }: { readonly history: readonly Rate[] }) {
  const peak = Math.max(1, ...history.flatMap(({ sent, received }) => [sent, received]))
  return (
    <svg className={classes.spark} width={WIDTH} height={HEIGHT} aria-hidden="true" focusable="false">
      <line x1={0} x2={WIDTH} y1={HEIGHT - 1} y2={HEIGHT - 1} />
      {(['received', 'sent'] as const).map((way) => (
        <path
          key={way}
          data-way={way}
          d={linePath(
            history.map((rate) => rate[way]),
            peak,
          )}
        />
      ))}
    </svg>
  )
}

/** The newest at the right edge. */
function linePath(values: readonly number[], peak: number): string {
  const step = WIDTH / 59
  return values
    .map((value, index) => {
      const x = WIDTH - (values.length - 1 - index) * step
      const y = HEIGHT - 1 - (value / peak) * (HEIGHT - 3)
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
}
