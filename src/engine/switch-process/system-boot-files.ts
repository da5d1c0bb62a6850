/**
 * Boot programs that Debian's packages put on the host (ipxe, pxelinux, syslinux-common, syslinux-efi). They are under
 * the GPL: served from where they are, never copied into Vivarium.
 */
const IPXE = '/usr/lib/ipxe'
const SYSLINUX = '/usr/lib/syslinux/modules/bios'
const MODULES = ['ldlinux', 'libcom32', 'libutil', 'menu', 'vesamenu', 'chain', 'linux', 'mboot', 'reboot']

export const SYSTEM_BOOT_FILES: ReadonlyMap<string, string> = new Map([
  ...['undionly.kpxe', 'undionly.kkpxe', 'ipxe.pxe', 'ipxe.lkrn', 'snponly.efi', 'ipxe.efi'].map(
    (name) => [name, `${IPXE}/${name}`] as const,
  ),
  ...['pxelinux.0', 'lpxelinux.0'].map((name) => [name, `/usr/lib/PXELINUX/${name}`] as const),
  ...MODULES.map((name) => [`${name}.c32`, `${SYSLINUX}/${name}.c32`] as const),
  ['memdisk', '/usr/lib/syslinux/memdisk'],
])
