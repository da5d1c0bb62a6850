import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOptions } from '../options/read.ts'
import { parsePreferences } from '../preferences/parse.ts'
import { formatAddress, parseAddress } from './dhcp.ts'
import { readVnc } from './read.ts'

const parse = (text: string) => parsePreferences(new TextEncoder().encode(text), 'a.vnc')
const codes = (problems: readonly { code: string }[]) =>
  problems.map(({ code }) => code).filter((code) => code !== 'encoding')

test('addresses as numbers, as text and as bytes', () => {
  assert.equal(parseAddress('2851995664', 'integer'), 2851995664)
  assert.equal(parseAddress('169.254.0.16', 'string'), 2851995664)
  assert.equal(parseAddress('A9FE0010', 'bytes'), 2851995664)
  assert.equal(formatAddress(2851995664), '169.254.0.16')
  for (const bad of ['256.0.0.1', '1.2.3', 'x', '4294967296']) assert.equal(parseAddress(bad), undefined)
})

/** The visible part of a real Options.xml of Windows Virtual PC (formats.md 3.1), made whole. */
const OPTIONS = `<preferences>
	<idle_timeout type="integer">30</idle_timeout>
	<virtual_networking>
		<virtual_gateway id="2">
			<adapter type="string">\\DosDevices\\VPCNetS3_{D7A7E35A-6676-4905-860E-10CFA40C2E90}</adapter>
			<id type="integer">16</id>
			<name type="string">Broadcom NetXtreme-Gigabit-Ethernet</name>
			<type type="integer">2</type>
		</virtual_gateway>
		<virtual_network id="0">
			<id type="bytes">92905FA324E6432397157680C1536B01</id>
			<gateway type="integer">0</gateway>
			<name type="string">Internes Netzwerk</name>
			<virtual_server>
				<dhcp>
					<enabled type="boolean">false</enabled>
					<ending_ip_address type="integer">2851998462</ending_ip_address>
					<network type="integer">2851995648</network>
					<network_mask type="integer">4294901760</network_mask>
					<starting_ip_address type="integer">2851995664</starting_ip_address>
				</dhcp>
			</virtual_server>
		</virtual_network>
		<virtual_network id="2">
			<id type="bytes">01010101010101010101010101010101</id>
			<gateway type="integer">2</gateway>
			<name type="string">Broadcom</name>
		</virtual_network>
	</virtual_networking>
</preferences>`

test('the networks of an Options.xml, with their gateways and DHCP', () => {
  const { networks, problems } = readOptions(parse(OPTIONS))
  assert.deepEqual(networks, [
    {
      name: 'Internes Netzwerk',
      id: '92905fa3-24e6-4323-9715-7680c1536b01',
      dhcp: {
        enabled: false,
        network: '169.254.0.0',
        mask: '255.255.0.0',
        start: '169.254.0.16',
        end: '169.254.10.254',
        dns: [],
        wins: [],
      },
    },
    {
      name: 'Broadcom',
      id: '01010101-0101-0101-0101-010101010101',
      hostAdapter: 'Broadcom NetXtreme-Gigabit-Ethernet',
    },
  ])
  assert.deepEqual(codes(problems), [])
})

test('a VNC is read wherever its keys are', () => {
  const { networks, problems } = readVnc(
    parse(`<preferences><virtual_network><id type="bytes">${'AB'.repeat(16)}</id>
      <host_adapter type="string">Intel(R) PRO/100</host_adapter></virtual_network>
      <virtual_server><dhcp><is_enabled type="boolean">true</is_enabled>
        <network type="string">10.244.0.0</network><network_mask type="string">255.255.0.0</network_mask>
        <starting_ip_address type="string">10.244.0.16</starting_ip_address>
        <ending_ip_address type="integer">183762174</ending_ip_address>
        <server_ip_address type="bytes">0AF40001</server_ip_address>
        <default_gateway_address type="integer">0</default_gateway_address>
        <dns_servers type="string">10.0.0.1, 10.0.0.2</dns_servers>
        <wins_servers><s id="0" type="integer">167772163</s></wins_servers>
        <lease_time type="integer">86400</lease_time><lease_renewal_time type="integer">43200</lease_renewal_time>
        <lease_rebinding_time type="integer">64800</lease_rebinding_time>
      </dhcp></virtual_server></preferences>`),
    'Lab',
  )
  assert.deepEqual(networks, [
    {
      name: 'Lab',
      id: 'abababab-abab-abab-abab-abababababab',
      hostAdapter: 'Intel(R) PRO/100',
      dhcp: {
        enabled: true,
        network: '10.244.0.0',
        mask: '255.255.0.0',
        start: '10.244.0.16',
        end: '10.243.252.254',
        server: '10.244.0.1',
        dns: ['10.0.0.1', '10.0.0.2'],
        wins: ['10.0.0.3'],
        leaseSeconds: 86400,
        renewalSeconds: 43200,
        rebindingSeconds: 64800,
      },
    },
  ])
  assert.deepEqual(codes(problems), ['dhcp-range'], 'the range ends before it starts')
})

test('addresses and times that break the rules are told', () => {
  const { networks, problems } = readVnc(
    parse(`<preferences><dhcp><network type="string">10.0.0.1</network><network_mask type="string">255.0.0.0</network_mask>
      <starting_ip_address type="string">10.0.0.5</starting_ip_address>
      <ending_ip_address type="string">11.0.0.0</ending_ip_address>
      <server_ip_address type="string">10.9.0.0</server_ip_address><dns type="string">nonsense</dns>
      <gateway type="string">10.0.0.300</gateway>
      <lease_time type="integer">10</lease_time><renewal_time type="integer">20</renewal_time></dhcp></preferences>`),
    'Lab',
  )
  assert.deepEqual(codes(problems), [
    'address-invalid',
    'dhcp-range',
    'dhcp-range',
    'dhcp-range',
    'dhcp-range',
    'dhcp-times',
    'address-invalid',
  ])
  assert.equal(networks[0]?.dhcp?.gateway, undefined)
})

test('a network without anything is still a network', () => {
  assert.deepEqual(readVnc(parse('<preferences/>'), 'Lab').networks, [{ name: 'Lab' }])
})
