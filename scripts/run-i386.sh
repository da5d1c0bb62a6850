#!/bin/sh
# Has the kernel run i386 programs with QEMU (package qemu-user-static), where it does not run them itself: some are
# started with ia32_emulation=off. Needs root; lasts until the next boot. See the kernel's admin-guide/binfmt-misc.
set -eu
interpreter=/usr/bin/qemu-i386-static
folder=/proc/sys/fs/binfmt_misc
[ -x "$interpreter" ] || { echo "run-i386: $interpreter is missing: apt-get install qemu-user-static" >&2; exit 1; }
[ -e "$folder/register" ] || mount -t binfmt_misc binfmt_misc "$folder"
[ ! -e "$folder/vivarium-i386" ] || exit 0
# The first 20 bytes of an ELF file for machine 3, executable or shared, of whatever system.
magic='\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x03\x00'
mask='\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
printf '%s' ":vivarium-i386:M::$magic:$mask:$interpreter:OCF" > "$folder/register"
