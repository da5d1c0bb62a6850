#!/bin/sh
# The step "Install the base system" of Debian's installer, as its component base-system: one partition on the disk,
# and on it a Debian from the archive that the answers name. What it does is in the installer's log, which the
# installed system has in /var/log/installer.
set -e
. /usr/share/debconf/confmodule

answer() {
  db_get "$1" && echo "$RET"
}
log() {
  log-output -t base-system "$@"
}
say() {
  echo "base-system: $*" > /dev/console
}
mirror=http://$(answer mirror/http/hostname)$(answer mirror/http/directory)
suite=$(answer mirror/suite)
disk=$(answer partman-auto/disk)
include=$(answer base-installer/includes)
kernel=$(answer base-installer/kernel/image)
password=$(answer passwd/root-password)

say "one partition on $disk"
# Those that the component brings are not in modprobe's list, and to make a new one takes long.
for module in sd_mod crc16 mbcache; do modprobe "$module"; done
for module in drivers/ata/libata drivers/ata/ata_piix fs/jbd2/jbd2 fs/ext4/ext4; do
  insmod "/lib/modules/$(uname -r)/kernel/$module.ko"
done
until [ -b "$disk" ]; do sleep 1; done

echo ',,L,*' | log sfdisk "$disk"
update-dev
# Without a journal, and with nothing that extlinux cannot read.
log mke2fs -t ext2 -L root "${disk}1"
mkdir -p /target
mount -t ext4 -o noatime "${disk}1" /target

mkdir -p /target/etc/dpkg/dpkg.cfg.d /target/etc/initramfs-tools/conf.d
echo MODULES=dep > /target/etc/initramfs-tools/conf.d/this-machine
cat > /target/etc/dpkg/dpkg.cfg.d/virtual-machine << END
# A machine that is cut off while packages are installed is installed again: none waits for the disk.
force-unsafe-io
# It has none of these, and is not where people read manuals.
path-exclude=/lib/modules/*/kernel/drivers/gpu/*
path-exclude=/lib/modules/*/kernel/drivers/media/*
path-exclude=/lib/modules/*/kernel/drivers/net/wireless/*
path-exclude=/lib/modules/*/kernel/drivers/staging/*
path-exclude=/lib/modules/*/kernel/sound/*
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/man/*
END
say "packages of $mirror"
# The installer's questions and answers are not those of the packages: one that asked here would wait for ever.
(
  unset DEBIAN_HAS_FRONTEND DEBIAN_FRONTEND DEBCONF_REDIR DEBCONF_OLD_FD_BASE
  log debootstrap --arch=i386 --variant=minbase --no-check-gpg --include="$(echo "$include" | tr ' ' ,)" \
    "$suite" /target "$mirror"
)

echo "deb [trusted=yes] $mirror $suite main" > /target/etc/apt/sources.list
echo "${disk}1 / ext4 noatime 0 1" > /target/etc/fstab
mount --bind /dev /target/dev
log in-target apt-get update
say "$kernel"
# After initramfs-tools, or the initramfs would be made twice.
log in-target apt-get --yes --no-install-recommends install "$kernel"
echo "root:$password" | chroot /target chpasswd

say 'boot loader'
mkdir -p /target/boot/extlinux
cat > /target/boot/extlinux/extlinux.conf << END
default linux
label linux
  kernel /vmlinuz
  append initrd=/initrd.img root=${disk}1 ro console=tty0 console=ttyS0
END
log in-target extlinux --install /boot/extlinux
dd if=/target/usr/lib/syslinux/mbr/mbr.bin of="$disk" conv=notrunc

# The name of the machine, what preseed/late_command asks for, and the log: the installer's own last steps.
for step in 55netcfg-copy-config 07preseed 94save-logs; do
  "/usr/lib/finish-install.d/$step" || say "$step failed"
done
for folder in dev proc sys; do umount "/target/$folder" || true; done
umount /target || mount -o remount,ro /target
say 'installed'
reboot
# The menu would go on while the machine goes down.
sleep 600
