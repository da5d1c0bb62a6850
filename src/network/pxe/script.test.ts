import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bootScript, fileUrl } from './script.ts'
import { pxeOptionsSchema } from './settings.ts'

const script = (settings: object) =>
  bootScript('Lab', '10.244.0.1', pxeOptionsSchema.parse({ folder: '/boot', ...settings }))

test('a menu: Linux with its initrds, a program, a disk image', () => {
  const text = script({
    entries: [
      {
        title: 'Debian',
        kernel: 'debian/linux',
        initrd: ['initrd.gz', 'more files.gz'],
        arguments: 'auto=true --- quiet',
      },
      { title: 'PXELINUX', file: 'bios\\pxelinux.0' },
      { title: 'A CD', file: 'cd.iso' },
      { title: 'Elsewhere', file: 'https://boot.example/x.ipxe' },
    ],
    default: 'A CD',
    timeoutSeconds: 5,
  })
  assert.equal(
    text,
    `#!ipxe
:menu
menu Lab
item entry0 Debian
item entry1 PXELINUX
item entry2 A CD
item entry3 Elsewhere
item --gap
item local Boot from the disk
item shell Shell of iPXE
choose --default entry2 --timeout 5000 target && goto \${target} || goto local
:entry0
imgfree
kernel http://10.244.0.1/debian/linux initrd=initrd0 initrd=initrd1 auto=true --- quiet || goto failed
initrd --name initrd0 http://10.244.0.1/initrd.gz || goto failed
initrd --name initrd1 http://10.244.0.1/more%20files.gz || goto failed
boot || goto failed
:entry1
set 210:string tftp://10.244.0.1/bios/
chain --autofree http://10.244.0.1/bios/pxelinux.0 || goto failed
:entry2
sanboot --no-describe http://10.244.0.1/cd.iso || goto failed
:entry3
chain --autofree https://boot.example/x.ipxe || goto failed
:local
sanboot --no-describe --drive 0x80 || exit
:shell
shell
goto menu
:failed
prompt --timeout 10000 It did not boot. Press any key to try again. ||
goto menu
`,
  )
})

test('no time: the entry at once, and no label without a place', () => {
  const text = script({ entries: [{ title: 'x', kernel: 'linux' }], timeoutSeconds: 0 })
  assert.match(text, /^#!ipxe\ngoto entry0\n:entry0\n/)
  const labels = new Set(text.match(/^:\w+/gm))
  for (const [, label] of text.matchAll(/goto (\w+)/g)) assert.ok(labels.has(`:${label}`), label)
})

test('texts that iPXE would take for commands are refused', () => {
  for (const title of ['a\nshell', 'a || shell', 'a ; shell', `$${'{shell}'}`, 'a # b', ''])
    assert.equal(
      pxeOptionsSchema.safeParse({ folder: '/boot', entries: [{ title, kernel: 'x' }] }).success,
      false,
      title,
    )
  for (const field of ['kernel', 'initrd', 'arguments'])
    assert.equal(
      pxeOptionsSchema.safeParse({ folder: '/b', entries: [{ title: 'x', kernel: 'x', [field]: 'a\nb' }] })
        .success,
      false,
    )
  assert.equal(fileUrl('h', `a b/$${'{c}'}`), 'http://h/a%20b/%24%7Bc%7D')
})
