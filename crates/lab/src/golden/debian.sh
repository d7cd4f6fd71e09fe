# Makes a real Debian 12 in a disk image:  debian.sh IMAGE BYTES
# Runs in a mount namespace of its own, so that a killed build leaves no mount.
set -euo pipefail
image=$1 bytes=$2
root=$image.root loop=
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

clean() {
  mountpoint -q "$root" && umount -R "$root"
  if [ -n "$loop" ]; then partx -d "$loop" || true; losetup -d "$loop"; fi
  rmdir "$root" 2> /dev/null || true
} 2> /dev/null
trap clean EXIT

truncate -s "$bytes" "$image"
sfdisk --quiet --no-reread --no-tell-kernel "$image" <<< $'label: dos\nstart=2048, type=83, bootable'
loop=$(losetup --find --show "$image")
partx -a "$loop" 2> /dev/null || true      # a kernel that looked by itself says that they exist
mkfs.ext4 -q -L golden-root -E lazy_itable_init=0 "${loop}p1"
mkdir -p "$root"; mount "${loop}p1" "$root"

debootstrap --variant=minbase --include=ca-certificates,dbus,systemd-sysv,udev,iproute2 bookworm "$root" http://deb.debian.org/debian

# No service starts while it is built; nothing is synced to a disk that is thrown away on failure.
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"; chmod +x "$root/usr/sbin/policy-rc.d"
echo force-unsafe-io > "$root/etc/dpkg/dpkg.cfg.d/lab-build"
printf 'path-exclude /usr/share/%s/*\n' doc man locale info > "$root/etc/dpkg/dpkg.cfg.d/lab"
for place in dev proc sys; do mount --rbind "/$place" "$root/$place"; done

# Only what a lab's disk and seed may hang on: GRUB reads a small initramfs soon, also by emulation.
mkdir -p "$root/etc/initramfs-tools/conf.d"
echo MODULES=list > "$root/etc/initramfs-tools/conf.d/lab"
printf '%s\n' virtio_pci virtio_blk virtio_scsi sd_mod sr_mod ahci ata_piix ext4 > "$root/etc/initramfs-tools/modules"
chroot "$root" apt-get -qq install --no-install-recommends \
  linux-image-amd64 grub-pc-bin grub2-common cloud-init qemu-guest-agent openssh-server zstd > /dev/null

cat > "$root/etc/cloud/cloud.cfg.d/90_lab.cfg" <<'END'
datasource_list: [NoCloud]
network: {config: disabled}
ssh_genkeytypes: [ed25519]
cloud_init_modules: [set_hostname, update_hostname, update_etc_hosts, users-groups, ssh]
cloud_config_modules: [runcmd]
cloud_final_modules: [scripts-user, final-message]
END
printf '[Match]\nName=e*\n[Network]\nDHCP=yes\n' > "$root/etc/systemd/network/lab.network"
chroot "$root" systemctl -q enable systemd-networkd
chroot "$root" systemctl -q disable systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer
chroot "$root" systemctl -q mask systemd-networkd-wait-online.service
echo 'LABEL=golden-root / ext4 errors=remount-ro,discard 0 1' > "$root/etc/fstab"
echo golden > "$root/etc/hostname"
echo as it was made > "$root/etc/release-note"
echo root:golden | chroot "$root" chpasswd -c SHA512      # for its console, where it is maintained

cat > "$root/boot/grub.cfg.lab" <<'END'
serial --unit=0 --speed=115200
terminal_input console serial
terminal_output console serial
set timeout=0
menuentry Debian {
  search --no-floppy --label --set=root golden-root
  linux /vmlinuz root=LABEL=golden-root ro console=tty0 console=ttyS0,115200 quiet mitigations=off
  initrd /initrd.img
}
END
mkdir -p "$root/boot/grub"; mv "$root/boot/grub.cfg.lab" "$root/boot/grub/grub.cfg"
chroot "$root" grub-install --target=i386-pc --no-floppy "$loop" > /dev/null

# Each host is to be itself: no identity, no keys, no lists, no traces of the build.
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root"/etc/ssh/ssh_host_* "$root"/var/log/*.log "$root"/var/log/apt/* \
  "$root"/usr/sbin/policy-rc.d "$root"/etc/dpkg/dpkg.cfg.d/lab-build "$root"/var/lib/dbus/machine-id
: > "$root/etc/machine-id"
chroot "$root" cloud-init clean --logs --seed > /dev/null
umount -R "$root/dev" "$root/proc" "$root/sys"
fstrim "$root" || true
