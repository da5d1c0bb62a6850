#!/bin/sh
# sh samples/install/make-tree.sh FOLDER
# Fills a boot folder that installs a Debian 12 (i386) with nobody at it: Debian's installer, the answers to its
# questions, and an archive of the packages that are installed. docs/networks/install.md says how it is used.
# MIRROR in the environment says where the packages come from.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
suite=bookworm
images=/usr/lib/debian-installer/images/12/i386/text/debian-installer/i386
archive=$folder/debian
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$folder/installer" "$archive/pool/partial" "$work/lists/partial"
cp "$images/linux" "$images/initrd.gz" "$folder/installer"
cp "$here/preseed.cfg" "$folder"

# An apt of its own: for i386, with nothing installed, without the sources of this computer. It only downloads.
: > "$work/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keyring] ${MIRROR:-http://deb.debian.org/debian} $suite main" > "$work/sources.list"
cat > "$work/apt.conf" << END
APT { Architecture "i386"; Architectures { "i386"; }; Install-Recommends "false"; Sandbox::User "root"; };
Dir::State "$work";
Dir::State::status "$work/status";
Dir::Etc::SourceList "$work/sources.list";
Dir::Etc::SourceParts "-";
Dir::Cache "$work";
Dir::Cache::Archives "$archive/pool";
END
export APT_CONFIG="$work/apt.conf"
apt-get -qq update
include=$(sed -nE 's,^d-i base-installer/(includes|kernel/image) string ,,p' "$here/preseed.cfg")
# usr-is-merged: what apt would choose instead needs all of Perl.
# shellcheck disable=SC2086
apt-get -qq -y install --download-only '?priority(required)' usr-is-merged $include > "$work/log"
(cd "$work" && apt-get -qq download debootstrap fdisk libfdisk1)
rm -r "$archive/pool/partial" "$archive/pool/lock"
# apt writes the epoch of a version into the name of the file; an archive does not.
for file in "$archive"/pool/*%3a*; do mv "$file" "$(echo "$file" | sed 's/_[^_]*%3a/_/')"; done

# The component of the installer that does the work. What the installer comes with has no driver for disks and no
# program to partition and format them, or to install a system; here they are, from the packages of the same archive.
component=$work/component
take() { # FILE PATH... : these paths of a package
  package=$1
  shift
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$component" --wildcards "$@"
}
kernel=$(grep -aoE '[0-9.]+-[0-9]+-686 ' "$images/linux" | head -n 1 | tr -d ' ')
mkdir -p "$component/DEBIAN"
modules="./lib/modules/$kernel/kernel"
take "$archive"/pool/linux-image-"$kernel"_*.deb "$modules"/drivers/ata/libata.ko "$modules"/drivers/ata/ata_piix.ko \
  "$modules"/fs/jbd2/jbd2.ko "$modules"/fs/ext4/ext4.ko
take "$work"/fdisk_*.deb ./sbin/sfdisk
take "$work"/libfdisk1_*.deb '*/libfdisk.so*'
take "$archive"/pool/libsmartcols1_*.deb '*/libsmartcols.so*'
take "$archive"/pool/e2fsprogs_*.deb ./sbin/mke2fs ./etc/mke2fs.conf
take "$archive"/pool/libext2fs2_*.deb '*/libext2fs.so*' '*/libe2p.so*'
take "$archive"/pool/libcom-err2_*.deb '*/libcom_err.so*'
take "$archive"/pool/perl-base_*.deb ./usr/bin/perl
take "$work"/debootstrap_*.deb ./usr/sbin/debootstrap ./usr/share/debootstrap
cat > "$component/DEBIAN/control" << END
Package: base-system
Version: 1
Architecture: i386
Maintainer: Vivarium
Priority: standard
Section: debian-installer
Installer-Menu-Item: 6500
Kernel-Version: $kernel
Description: Install the base system
END
cp "$here/base-system.sh" "$component/DEBIAN/postinst"
chmod 755 "$component/DEBIAN/postinst"
dpkg-deb --root-owner-group -Zgzip --build "$component" "$archive/pool/base-system_1_i386.udeb" > "$work/log"

# The lists that make a folder of packages an archive (https://wiki.debian.org/DebianRepository/Format).
cd "$archive"
list() { # FOLDER FILE... : describes the files
  mkdir -p "$1"
  lists=$1
  shift
  for file in "$@"; do
    dpkg-deb --field "$file"
    echo "Filename: $file"
    echo "Size: $(stat --format %s "$file")"
    echo "SHA256: $(sha256sum "$file" | cut -d ' ' -f 1)"
    echo
  done > "$lists/Packages"
  gzip --keep --no-name "$lists/Packages"
  printf 'Archive: %s\nComponent: main\nArchitecture: i386\n' $suite > "$lists/Release"
}
list dists/$suite/main/binary-i386 pool/*.deb
list dists/$suite/main/debian-installer/binary-i386 pool/*.udeb
cd dists/$suite
{
  printf 'Suite: %s\nCodename: %s\nArchitectures: i386\nComponents: main\nDate: %s\nSHA256:\n' $suite $suite "$(date -Ru)"
  find main -type f | while read -r file; do
    echo " $(sha256sum "$file" | cut -d ' ' -f 1) $(stat --format %s "$file") $file"
  done
} > "$work/Release"
mv "$work/Release" Release
