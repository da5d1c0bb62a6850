import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VivariumError } from '../../base/index.ts'
import { formatPreferences } from '../preferences/format.ts'
import { parsePreferences } from '../preferences/parse.ts'
import { createVmc } from './create.ts'
import { readVmc } from './read.ts'

const options = {
  name: 'Golden',
  memoryMB: 256,
  drives: [
    {
      channel: 0,
      unit: 0,
      kind: 'disk',
      image: { absolute: '/vm/Golden/Golden Hard Disk.vhd', relative: '.\\Golden Hard Disk.vhd' },
    },
    { channel: 1, unit: 0, kind: 'cd' },
    { channel: 1, unit: 1, kind: 'cd', image: { absolute: '/iso/R&D.iso' } },
  ],
  adapters: [
    { network: 'Internal' },
    { mac: '00-03-FF-12-34-56', network: 'Shared networking (NAT)' },
    { mac: '0003FF654321' },
  ],
  serialPorts: [{ index: 0, kind: 'pipe', path: '\\\\.\\pipe\\golden' }],
  undoEnabled: true,
  sound: false,
  guestOs: 'Windows 98',
  notes: 'First line\nsecond',
  random: (length: number) => Uint8Array.from({ length }, (_, i) => i * 7),
} as const

test('a new machine file, to the letter', () => {
  const bytes = formatPreferences(createVmc(options))
  assert.deepEqual([...bytes.subarray(0, 4)], [0xff, 0xfe, 0x3c, 0], 'UTF-16LE with a byte order mark')
  assert.equal(new TextDecoder('utf-16le').decode(bytes), GOLDEN.replaceAll('\n', '\r\n'))
})

test('what was asked for is what is read', () => {
  const document = parsePreferences(formatPreferences(createVmc(options)), 'Golden.vmc')
  const { machine, problems } = readVmc(document, 'Golden')
  assert.deepEqual(problems, [])
  assert.deepEqual(machine, {
    name: 'Golden',
    memoryMB: 256,
    drives: options.drives.map((drive) => ({ bus: 'ide', ...drive })),
    floppies: [{ index: 0 }],
    adapters: [
      {
        index: 0,
        mac: '00:03:ff:00:07:0e',
        network: { kind: 'network', id: '00070e15-1c23-4a31-b83f-464d545b6269', name: 'Internal' },
      },
      {
        index: 1,
        mac: '00:03:ff:12:34:56',
        network: { kind: 'nat', id: '01010101-0101-0101-0101-010101010101' },
      },
      { index: 2, mac: '00:03:ff:65:43:21', network: { kind: 'none' } },
    ],
    serialPorts: options.serialPorts,
    parallelPort: { kind: 'none' },
    sound: false,
    videoMemoryMB: 8,
    undoEnabled: true,
    biosGuid: '{00070E15-1C23-4A31-B83F-464D545B6269}',
    guestOs: 'Windows 98',
    notes: 'First line\nsecond',
    creator: { name: 'Vivarium', build: '0.1.0.0', product: 'Vivarium' },
    modifier: { name: 'Vivarium', build: '0.1.0.0', product: 'Vivarium' },
  })
})

test('every machine gets ids and addresses of its own', () => {
  const machineOf = () =>
    readVmc(createVmc({ memoryMB: 4, adapters: [{ network: 'Internal' }] }), 'a').machine
  const [a, b] = [machineOf(), machineOf()]
  assert.match(a.biosGuid!, /^\{[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}\}$/)
  assert.match(a.adapters[0]!.mac!, /^00:03:ff:/)
  assert.notEqual(a.biosGuid, b.biosGuid)
})

test('what no machine can have is refused', () => {
  const refused = (more: object, code: string) =>
    assert.throws(
      () => createVmc({ memoryMB: 64, ...more }),
      (error) => error instanceof VivariumError && error.kind === 'invalid' && error.code === code,
    )
  const cd = { channel: 0, unit: 0, kind: 'cd' }
  refused({ memoryMB: 1 }, 'memory-out-of-range')
  refused({ drives: [cd, cd] }, 'position-twice')
  refused({ drives: [{ ...cd, channel: 2 }] }, 'position-invalid')
  refused({ adapters: [{}, {}, {}, {}, {}] }, 'too-many-adapters')
  refused({ adapters: [{ mac: 'x' }] }, 'mac-invalid')
  refused({ notes: '\u0000' }, 'leaf-value')
})

const GOLDEN = `<?xml version="1.0" encoding="UTF-16"?>
<!-- Microsoft Virtual Machine Options and Settings -->
<preferences>
	<version type="string">2.0</version>
	<alerts>
		<notifications>
			<no_boot_disk type="boolean">true</no_boot_disk>
		</notifications>
	</alerts>
	<hardware>
		<memory>
			<ram_size type="integer">256</ram_size>
		</memory>
		<pci_bus>
			<ethernet_adapter>
				<controller_count type="integer">3</controller_count>
				<ethernet_controller id="0">
					<virtual_network>
						<id type="bytes">00070E151C234A31B83F464D545B6269</id>
						<name type="string">Internal</name>
					</virtual_network>
					<ethernet_card_address type="bytes">0003FF00070E</ethernet_card_address>
				</ethernet_controller>
				<ethernet_controller id="1">
					<virtual_network>
						<id type="bytes">01010101010101010101010101010101</id>
						<name type="string" />
					</virtual_network>
					<ethernet_card_address type="bytes">0003FF123456</ethernet_card_address>
				</ethernet_controller>
				<ethernet_controller id="2">
					<ethernet_card_address type="bytes">0003FF654321</ethernet_card_address>
				</ethernet_controller>
			</ethernet_adapter>
			<video_adapter>
				<vram_size type="integer">8</vram_size>
			</video_adapter>
			<ide_adapter>
				<ide_controller id="1">
					<location id="0">
						<drive_type type="integer">2</drive_type>
						<pathname>
							<absolute type="string" />
							<relative type="string" />
						</pathname>
					</location>
					<location id="1">
						<drive_type type="integer">2</drive_type>
						<pathname>
							<absolute type="string">/iso/R&amp;D.iso</absolute>
							<relative type="string" />
						</pathname>
					</location>
				</ide_controller>
				<ide_controller id="0">
					<location id="0">
						<drive_type type="integer">1</drive_type>
						<pathname>
							<absolute type="string">/vm/Golden/Golden Hard Disk.vhd</absolute>
							<relative type="string">.\\Golden Hard Disk.vhd</relative>
						</pathname>
						<undo_pathname>
							<absolute type="string" />
							<relative type="string" />
						</undo_pathname>
					</location>
					<location id="1">
						<drive_type type="integer">0</drive_type>
						<pathname>
							<absolute type="string" />
							<relative type="string" />
						</pathname>
					</location>
				</ide_controller>
			</ide_adapter>
		</pci_bus>
		<standard>
			<name type="string">Virtual PC 2007</name>
			<version type="string">0001.0000.0000</version>
		</standard>
		<super_io>
			<floppy id="0">
				<pathname>
					<absolute type="string" />
					<relative type="string" />
				</pathname>
			</floppy>
			<floppy>
				<auto_detect type="boolean">false</auto_detect>
			</floppy>
			<parallel_port>
				<port_shared type="boolean">false</port_shared>
				<port_type type="integer">0</port_type>
			</parallel_port>
			<serial_port>
				<connect_immediately type="boolean">false</connect_immediately>
			</serial_port>
			<serial_port id="0">
				<port_type type="integer">3</port_type>
				<pipe_name type="string">\\\\.\\pipe\\golden</pipe_name>
			</serial_port>
		</super_io>
		<bios>
			<base_board>
				<serial_number type="string">0741-8529-6307-4185-2963-0741-85</serial_number>
			</base_board>
			<bios_serial_number type="string">0741-8529-6307-4185-2963-0741-85</bios_serial_number>
			<chassis>
				<asset_tag type="string">0741-8529-6307-4185-2963-0741-85</asset_tag>
				<serial_number type="string">0741-8529-6307-4185-2963-0741-85</serial_number>
			</chassis>
			<bios_guid type="string">{00070E15-1C23-4A31-B83F-464D545B6269}</bios_guid>
		</bios>
	</hardware>
	<integration>
		<microsoft>
			<mouse>
				<allow type="boolean">true</allow>
			</mouse>
			<video>
				<user_selected>
					<depth type="integer">16</depth>
					<height type="integer">480</height>
					<width type="integer">640</width>
				</user_selected>
			</video>
		</microsoft>
	</integration>
	<properties>
		<creator>
			<build type="string">0.1.0.0</build>
			<name type="string">Vivarium</name>
		</creator>
		<modifier>
			<build type="string">0.1.0.0</build>
			<name type="string">Vivarium</name>
		</modifier>
	</properties>
	<settings>
		<configuration>
			<saved_state>
				<path>
					<absolute type="string" />
					<relative type="string" />
				</path>
			</saved_state>
		</configuration>
		<shutdown>
			<prompt type="boolean">true</prompt>
			<quit>
				<action type="integer">4</action>
				<was_running type="boolean">false</was_running>
			</quit>
			<save>
				<enable type="boolean">true</enable>
			</save>
			<shutdown>
				<enable type="boolean">true</enable>
			</shutdown>
			<turn_off>
				<enable type="boolean">true</enable>
			</turn_off>
		</shutdown>
		<sound>
			<sound_adapter>
				<enable type="boolean">false</enable>
			</sound_adapter>
		</sound>
		<startup>
			<automatic>
				<type type="integer">2</type>
			</automatic>
		</startup>
		<undo_drives>
			<enabled type="boolean">true</enabled>
			<purposely_kept type="boolean">true</purposely_kept>
			<use_default type="boolean">true</use_default>
		</undo_drives>
		<video>
			<disable_resize type="boolean">false</disable_resize>
			<full_screen type="boolean">false</full_screen>
			<mode>
				<full_screen>
					<startup type="boolean">false</startup>
				</full_screen>
			</mode>
			<resolutions>
				<standard_only type="boolean">false</standard_only>
			</resolutions>
			<height type="integer">400</height>
			<left_position type="integer">40</left_position>
			<max_height type="integer">400</max_height>
			<max_width type="integer">640</max_width>
			<top_position type="integer">40</top_position>
			<width type="integer">640</width>
		</video>
		<notes type="string">First line
second</notes>
		<vivarium>
			<guest_os type="string">Windows 98</guest_os>
		</vivarium>
	</settings>
	<virtual_machines>
		<hw_assist>
			<enable_hw_assist type="boolean">true</enable_hw_assist>
		</hw_assist>
	</virtual_machines>
</preferences>
`
