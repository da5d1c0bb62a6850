import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Adapter, NetworkSummary } from '../../../api/index.ts'
import { bandAt, layoutMap, STATION, shorten } from './map-layout.ts'

function network(key: string): NetworkSummary {
  return {
    ...{ key, id: '', name: key, kind: 'internal', uplink: { text: '' }, isOn: true },
    ...{ dhcp: { enabled: false }, services: [], ports: 0, leases: 0, problems: [] },
  }
}

function adapter(machine: number, key?: string): Adapter {
  return {
    ...{ machineId: `m${machine}`, machineName: `Machine ${machine}`, isRunning: true, index: 0 },
    ...{ port: `p${machine}`, settings: {}, wanted: { kind: 'none', name: '' } },
    ...(key !== undefined && { network: key }),
  }
}

const twenty = Array.from({ length: 20 }, (_, index) => adapter(index, 'lab'))

for (const width of [320, 700, 1400])
  test(`twenty machines at ${width} pixels: each in its band, none upon another`, () => {
    const layout = layoutMap([network('lab'), network('other')], [...twenty, adapter(30)], width)
    const [lab, other, loose] = layout.bands
    assert.equal(lab!.stations.length, 20)
    assert.equal(other!.stations.length, 0)
    assert.equal(loose!.network, undefined)
    assert.equal(loose!.stations.length, 1)
    for (const band of layout.bands)
      for (const { x, y, cableY } of band.stations) {
        assert.ok(y >= band.y && y + STATION.height <= band.y + band.height)
        assert.ok(x + STATION.width <= width)
        assert.ok(cableY < y || cableY > y + STATION.height)
      }
    for (const [index, one] of lab!.stations.entries())
      for (const two of lab!.stations.slice(index + 1))
        assert.ok(
          Math.abs(one.x - two.x) >= STATION.width || Math.abs(one.y - two.y) >= STATION.height,
          `${one.adapter.machineName} lies on ${two.adapter.machineName}`,
        )
    assert.equal(bandAt(layout, other!.y + 1), other)
    assert.equal(bandAt(layout, layout.height + 50), undefined)
  })

test('an adapter of a network that is not listed is one that is plugged in nowhere', () => {
  const { bands } = layoutMap([network('lab')], [adapter(1, 'gone')], 800)
  assert.equal(bands.at(-1)!.network, undefined)
  assert.equal(bands.at(-1)!.stations.length, 1)
})

test('long names are cut in their middle', () => {
  assert.deepEqual(
    ['Windows XP', 'Windows Server 2003 12'].map((name) => shorten(name, 13)),
    ['Windows XP', 'Windows…3 12'],
  )
})
