# Makes one of the disk images that are measured:  image.sh KIND IMAGE BYTES PACKAGES [PARENT]
#   golden    a Debian 12 as it was released, trimmed
#   patched   PARENT with Debian's updates installed, and nothing trimmed
#   trimmed   PARENT, trimmed
#   rebuilt   what golden is, made anew with the updates from the beginning
# PACKAGES is a folder of packages that were fetched before. Runs in a mount namespace of its own, so that a
# killed build leaves no mount.
set -euo pipefail
kind=$1 image=$2 bytes=$3 packages=$4 parent=${5:-}
root=$image.root loop=
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
mirror=http://deb.debian.org

clean() {
  mountpoint -q "$root" && umount -R "$root"
  if [ -n "$loop" ]; then partx -d "$loop" || true; losetup -d "$loop"; fi
  rmdir "$root" 2> /dev/null || true
} 2> /dev/null
trap clean EXIT

attach() {
  loop=$(losetup --find --show "$image")
  partx -a "$loop" 2> /dev/null || true      # a kernel that looked by itself says that they exist
  mkdir -p "$root"
}
enter() {
  # No service starts while it is built; nothing is synced to a disk that is thrown away on failure.
  printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"; chmod +x "$root/usr/sbin/policy-rc.d"
  echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/bench"
  local place
  for place in dev proc sys; do mount --rbind "/$place" "$root/$place"; mount --make-rslave "$root/$place"; done
}
leave() {
  rm -rf "$root"/var/lib/apt/lists/* "$root/usr/sbin/policy-rc.d" "$root/etc/dpkg/dpkg.cfg.d/bench"
  umount -R "$root/dev" "$root/proc" "$root/sys"
}
inside() { chroot "$root" "$@"; }
updates() {
  printf 'deb %s bookworm-updates main\ndeb %s-security bookworm-security main\n' "$mirror/debian" "$mirror/debian" \
    > "$root/etc/apt/sources.list.d/updates.list"
}

system() {
  truncate -s "$bytes" "$image"
  sfdisk --quiet --no-reread --no-tell-kernel "$image" <<< $'label: dos\nstart=2048, type=83, bootable'
  attach
  mkfs.ext4 -q -L golden-root -E lazy_itable_init=0 "${loop}p1"
  mount "${loop}p1" "$root"
  mkdir -p "$packages/base" "$packages/archives/partial" "$root/var/cache/apt/archives"
  debootstrap --variant=minbase --cache-dir="$packages/base" --include=ca-certificates,dbus,systemd-sysv,udev,iproute2 \
    bookworm "$root" "$mirror/debian"
  enter
  # Fetched once for both systems, and never part of them.
  mount --bind "$packages/archives" "$root/var/cache/apt/archives"
  if [ "$1" = updated ]; then updates; inside apt-get -qq update; inside apt-get -qq dist-upgrade; fi
  mkdir -p "$root/etc/initramfs-tools/conf.d"
  echo MODULES=list > "$root/etc/initramfs-tools/conf.d/bench"
  printf '%s\n' virtio_pci virtio_blk virtio_scsi ahci ata_piix ext4 > "$root/etc/initramfs-tools/modules"
  inside apt-get -qq -o Dpkg::Use-Pty=0 -o APT::Keep-Downloaded-Packages=true install --no-install-recommends \
    linux-image-amd64 grub-pc-bin grub2-common cloud-init qemu-guest-agent openssh-server \
    build-essential gdb git python3-venv vim-nox postgresql nginx-full default-jre firefox-esr \
    libreoffice-writer libreoffice-calc fonts-dejavu
  echo 'LABEL=golden-root / ext4 errors=remount-ro,discard 0 1' > "$root/etc/fstab"
  echo golden > "$root/etc/hostname"
  mkdir -p "$root/boot/grub"
  cat > "$root/boot/grub/grub.cfg" <<'END'
set timeout=0
menuentry Debian {
  search --no-floppy --label --set=root golden-root
  linux /vmlinuz root=LABEL=golden-root ro console=tty0 console=ttyS0,115200 quiet
  initrd /initrd.img
}
END
  inside grub-install --target=i386-pc --no-floppy "$loop"
  umount "$root/var/cache/apt/archives"
  leave
  # Each machine made of it is to be itself.
  rm -rf "$root"/etc/ssh/ssh_host_* "$root"/var/log/*.log "$root"/var/log/apt/* "$root/var/lib/dbus/machine-id"
  : > "$root/etc/machine-id"
  inside dpkg-query -f '.\n' -W | wc -l > "$image.packages"
  fstrim "$root"
}

case $kind in
  golden) system released ;;
  rebuilt) system updated ;;
  patched)
    cp --sparse=always "$parent" "$image"
    attach; mount "${loop}p1" "$root"; enter; updates
    inside apt-get -qq update
    inside apt-get -qq -o Dpkg::Use-Pty=0 dist-upgrade
    inside apt-get clean
    leave
    inside dpkg-query -f '.\n' -W | wc -l > "$image.packages" ;;
  trimmed)
    cp --sparse=always "$parent" "$image"
    attach; mount "${loop}p1" "$root"; fstrim "$root" ;;
esac
