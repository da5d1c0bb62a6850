import { useElementSize } from '@mantine/hooks'
import { useNavigate } from 'react-router'
import type { Adapter, NetworkSummary } from '../../../api/index.ts'
import { trafficOf } from '../../network/network-queries.ts'
import { formatRate, NO_RATE, type Rate } from '../../network/traffic.ts'
import { adapterName } from '../../network/use-move-adapter.ts'
import classes from './map.module.css'
import { type Band, layoutMap, STATION, type Station, shorten, UPLINK } from './map-layout.ts'
import { KINDS, serviceName } from './network-words.ts'
import { useMapDrag } from './use-map-drag.ts'

interface NetworkMapProps {
  readonly networks: readonly NetworkSummary[]
  readonly adapters: readonly Adapter[]
  readonly onMove: (adapter: Adapter, network: string | null) => void
}

/** A picture for eyes and a mouse; the list beside it has the same for everybody. */
export function NetworkMap({ networks, adapters, onMove }: NetworkMapProps) {
  const { ref, width } = useElementSize()
  const navigate = useNavigate()
  const layout = layoutMap(networks, adapters, Math.max(width, 280))
  const drag = useMapDrag(
    layout,
    (adapter, band) => onMove(adapter, band.network?.key ?? null),
    (adapter) => navigate(`/machines/${adapter.machineId}`),
  )
  return (
    <div ref={ref} className={classes.frame}>
      {width > 0 && (
        <svg
          className={classes.map}
          width={layout.width}
          height={layout.height}
          aria-hidden="true"
          focusable="false"
          onPointerMove={drag.onPointerMove}
          onPointerUp={drag.onPointerUp}
          onPointerCancel={drag.onPointerCancel}
        >
          {layout.bands.map((band) => (
            <g key={band.network?.key ?? ''} data-network={band.network?.key ?? 'none'}>
              <BandFrame band={band} width={layout.width} isTarget={band === drag.target} />
              {band.stations.map((station) => (
                <g
                  key={`${station.adapter.machineId} ${station.adapter.index}`}
                  className={classes.station}
                  data-running={station.adapter.isRunning}
                  data-dragged={drag.dragged?.adapter === station.adapter}
                  onPointerDown={drag.take(station)}
                >
                  <Lead station={station} isPlugged={band.network !== undefined} />
                  <Machine station={station} />
                </g>
              ))}
            </g>
          ))}
          {drag.dragged !== undefined && (
            <g
              className={classes.ghost}
              transform={`translate(${drag.dragged.at.x - STATION.width / 2} ${drag.dragged.at.y - STATION.height / 2})`}
            >
              <rect className={classes.taken} width={STATION.width} height={STATION.height} rx={8} />
              <text x={STATION.width / 2} y={26} textAnchor="middle">
                {shorten(drag.dragged.adapter.machineName, 16)}
              </text>
            </g>
          )}
        </svg>
      )}
    </div>
  )
}

function BandFrame({ band, width, isTarget }: { band: Band; width: number; isTarget: boolean }) {
  const { network, y, height, cables } = band
  return (
    <>
      <rect
        className={classes.band}
        data-target={isTarget}
        data-loose={network === undefined}
        x={1}
        y={y + 1}
        width={width - 2}
        height={height - 2}
        rx={12}
      />
      <text className={classes.name} x={14} y={y + 24}>
        {shorten(network?.name ?? 'Not connected', Math.floor(width / 20))}
      </text>
      {network !== undefined && <Services network={network} width={width} y={y} />}
      {network !== undefined && <path className={classes.cable} data-on={network.isOn} d={cablePath(band)} />}
      {network !== undefined && <Uplink network={network} y={cables[0]! - UPLINK.height / 2} />}
    </>
  )
}

/** From the uplink to the last machine, and down to the further pieces. */
function cablePath({ cables, stations }: Band): string {
  const start = UPLINK.width + 24
  const [first = 0] = cables
  const down = cables.length > 1 ? `M${start} ${first}V${cables.at(-1)}` : ''
  const along = cables.map((cable) => {
    const ends = stations.filter(({ cableY }) => cableY === cable).map(({ x }) => x + STATION.width / 2)
    return `M${start} ${cable}H${Math.max(start + 20, ...ends)}`
  })
  return `M${UPLINK.width + 14} ${first}H${start}${down}${along.join('')}`
}

function Uplink({ network, y }: { network: NetworkSummary; y: number }) {
  return (
    <g>
      <title>{network.uplink.unusable ?? network.uplink.text}</title>
      <rect
        className={classes.source}
        data-unusable={network.uplink.unusable !== undefined}
        x={14}
        y={y}
        width={UPLINK.width}
        height={UPLINK.height}
        rx={UPLINK.height / 2}
      />
      <text x={14 + UPLINK.width / 2} y={y + 18} textAnchor="middle">
        {KINDS[network.kind].uplink}
      </text>
      <text className={classes.small} x={14 + UPLINK.width / 2} y={y + 33} textAnchor="middle">
        {network.uplink.unusable === undefined ? rateText(trafficOf(network.key).now()) : 'cannot be had'}
      </text>
    </g>
  )
}

/** What the network's own host does there, as marks at the right of its name. */
function Services({ network, width, y }: { network: NetworkSummary; width: number; y: number }) {
  let right = width - 12
  return (
    <g>
      {network.services.toReversed().map((name) => {
        const text = serviceName(name)
        const wide = 16 + text.length * 7
        right -= wide + 6
        return (
          <g key={name} transform={`translate(${right + 6} ${y + 9})`}>
            <rect className={classes.chip} width={wide} height={20} rx={10} />
            <text className={classes.chipText} x={wide / 2} y={14} textAnchor="middle">
              {text}
            </text>
          </g>
        )
      })}
    </g>
  )
}

function Lead({ station, isPlugged }: { station: Station; isPlugged: boolean }) {
  if (!isPlugged) return null
  const x = station.x + STATION.width / 2
  const from = station.isAbove ? station.y + STATION.height : station.y
  const rate = rateOf(station.adapter)
  return (
    <line
      className={classes.lead}
      data-busy={rate.sent + rate.received > 0}
      data-up={station.adapter.isRunning && station.adapter.settings.linkUp !== false}
      x1={x}
      x2={x}
      y1={from}
      y2={station.cableY}
    />
  )
}

function Machine({ station: { adapter, x, y } }: { station: Station }) {
  return (
    <>
      <title>{`${adapter.machineName}, ${adapterName(adapter)}${adapter.mac === undefined ? '' : `, ${adapter.mac}`}`}</title>
      <rect className={classes.machine} x={x} y={y} width={STATION.width} height={STATION.height} rx={8} />
      <circle className={classes.lamp} cx={x + 13} cy={y + 15} r={4} />
      <text x={x + 23} y={y + 19}>
        {shorten(adapter.machineName, 14)}
      </text>
      <text className={classes.small} x={x + 23} y={y + 34}>
        {adapter.isRunning ? rateText(rateOf(adapter)) : 'off'}
      </text>
    </>
  )
}

function rateOf({ network, port }: Adapter): Rate {
  return network === undefined ? NO_RATE : trafficOf(network).now(port)
}

function rateText({ sent, received }: Rate): string {
  const all = sent + received
  return all === 0 ? 'quiet' : formatRate(all)
}
