#!/bin/sh
# Runs in mmdebstrap's customize hook with $1 = the new system. Adds the kernel with the modules of modules.txt and
# builds the initramfs; leaves both in /boot of the new system, where the build fetches them.
set -eu
root=$1
cd "$root"

# The kernel package is unpacked, not installed: its scripts would build Debian's large initramfs.
# Only `apt-get download` here, never install or remove: with this APT_CONFIG apt looks at the new system, but the
# dpkg that it would call works on the host, as root.
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
name=$(apt-cache depends --important linux-image-686 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
(cd var/cache/apt/archives && apt-get -qq download "$name")
package=$(ls "var/cache/apt/archives/$name"_*_i386.deb)
mkdir tmp/kernel
dpkg-deb --fsys-tarfile "$package" | tar -x -C tmp/kernel
version=$(ls tmp/kernel/lib/modules)
mv "tmp/kernel/boot/vmlinuz-$version" boot/vmlinuz
chroot . depmod --basedir /tmp/kernel "$version"

mkdir -p "usr/lib/modules/$version" tmp/initramfs/modules tmp/initramfs/bin
for table in modules.order modules.builtin modules.builtin.modinfo; do
  cp "tmp/kernel/lib/modules/$version/$table" "usr/lib/modules/$version/"
done
: > tmp/initramfs/modules/order
while read -r where name _; do
  case $where in initramfs | system) ;; *) continue ;; esac
  # "insmod /tmp/kernel/lib/modules/VERSION/kernel/..." for the module and all it needs, in order
  chroot . modprobe --dirname /tmp/kernel --set-version "$version" --show-depends "$name" > tmp/depends
  while read -r verb file _; do
    [ "$verb" = insmod ] || continue
    to=usr/lib/modules/$version/kernel/${file#*/modules/"$version"/kernel/}
    mkdir -p "$(dirname "$to")"
    cp ".$file" "$to"
    if [ "$where" = initramfs ] && [ ! -e "tmp/initramfs/modules/${file##*/}" ]; then
      cp ".$file" tmp/initramfs/modules/
      echo "${file##*/}" >> tmp/initramfs/modules/order
    fi
  done < tmp/depends
done < tmp/modules.txt
chroot . depmod "$version"

cp usr/bin/busybox tmp/initramfs/bin/
mv tmp/initramfs-init tmp/initramfs/init
chmod 0755 tmp/initramfs/init
(cd tmp/initramfs && mkdir dev proc sys root)
chroot . sh -c 'cd /tmp/initramfs && find . | busybox cpio -o -H newc -R 0:0 | gzip -9' > boot/initrd

ln -s ../bin/busybox usr/sbin/linuxrc
chmod 0755 etc/init.d/rcS etc/acpi/PWRF/00000080
echo vivarium-debian > etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 vivarium-debian\n' > etc/hosts
printf 'LABEL=vivarium-root / ext4 errors=remount-ro 0 1\n' > etc/fstab
# Few rounds: an emulated Pentium should not think for seconds about a password that everybody knows.
echo root:vivarium | chroot . chpasswd --crypt-method SHA512 --sha-rounds 1000
rm -rf tmp/kernel tmp/initramfs tmp/depends tmp/modules.txt tmp/customize.sh usr/lib/i386-linux-gnu/gconv usr/share/bash-completion
