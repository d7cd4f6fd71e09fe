#!/bin/sh
# The whole user space of the small golden machine: takes its name from a NoCloud seed, answers
# through the guest agent, lets users sign in, and goes off when asked.
export PATH=/bin:/sbin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec < /dev/console > /dev/console 2>&1
while read -r module; do insmod "$module" 2> /dev/null; done < /etc/modules

# A seed is a small file system with a file `meta-data`, on any disk. An ATA disk shows up late.
tries=1; [ -z "$(ls /sys/class/ata_port 2> /dev/null)" ] || tries=30
seed=
while [ -z "$seed" ] && [ $tries -gt 0 ]; do
  for disk in /dev/sr* /dev/vd[a-z] /dev/sd[a-z]; do
    [ -b "$disk" ] || continue
    mount -t iso9660 -o ro "$disk" /seed 2> /dev/null || mount -t vfat -o ro "$disk" /seed 2> /dev/null || continue
    [ ! -f /seed/meta-data ] || { seed=$disk; break; }
    umount /seed
  done
  tries=$((tries - 1)); [ -n "$seed" ] || [ $tries -eq 0 ] || sleep 0.1
done
name=
if [ -n "$seed" ]; then
  name=$(sed -n "s/^local-hostname: *//p" /seed/meta-data | tr -d "\"'\r")
  sed -n "s/^instance-id: *//p" /seed/meta-data | tr -d "\"'\r" > /run/instance-id
fi
hostname "${name:-golden}"

# Its own disk: what is written there belongs to the machine.
for part in /dev/vda1 /dev/sda1; do
  [ -b $part ] && mount -t vfat -o ro $part /disk 2> /dev/null && break
done
# What whoever maintains the golden machine wants done at every start.
[ ! -f /disk/rc.local ] || . /disk/rc.local

# A shell on the screen, for whoever sits before it; it is there before the guest agent answers.
(while :; do setsid -c sh < /dev/tty1 > /dev/tty1 2>&1; sleep 1; done) &

ip link set lo up
if [ -e /sys/class/net/eth0 ]; then
  ip link set eth0 up
  udhcpc -i eth0 -x "hostname:$(hostname)" -t 10 -b -S > /dev/null 2>&1 &
fi
for port in /sys/class/virtio-ports/*; do
  [ -f "$port/name" ] || continue
  mkdir -p /dev/virtio-ports
  ln -sf "/dev/${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done
if [ -x /bin/qemu-ga ] && [ -e /dev/virtio-ports/org.qemu.guest_agent.0 ]; then
  (while :; do qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run; sleep 1; done) > /dev/null 2>&1 &
fi
acpid -l /dev/null > /dev/null 2>&1

# Where users work. Somebody sits down (see `seat`), signs in and is in `utmp`; when the session
# ends, the next `getty` says there that nobody is.
: > /run/utmp
mkfifo /run/sits-down
(while :; do getty -n -l /bin/seat 38400 tty2; sleep 1; done) > /dev/null 2>&1 &
echo "diecast guest $(hostname) is up"

# A shell on the serial console, for whoever maintains the golden machine there.
while :; do
  setsid cttyhack sh 2> /dev/null
  sleep 1
done
