#!/bin/sh
# The helper's whole user space: finds what is on its disks, gives free blocks back, and goes off. It says
# by the serial port, one line each, `trim NAME KIND OUTCOME`; the first disk is /dev/vda.
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
exec < /dev/null > /dev/ttyS0 2> /dev/null
say() { echo "trim $*"; }
say - helper begun
while read -r module; do insmod "/modules/$module"; done < /modules/order

# COUNT bytes of the head at OFFSET, as hexadecimal digits.
head_at() { dd if=/head bs=1 skip="$1" count="$2" | od -An -v -tx1 | tr -d ' \n'; }

# What is on a device, by the marks that its formats have in fixed places. Names and labels, which are
# whatever somebody wrote, are not looked at.
kind_of() {
  dd if="$1" of=/head bs=1024 count=68
  case $(head_at 4086 10) in
    53574150535041434532) echo swap; return ;;
    533153555350454e44* | 533253555350454e44* | 554c53555350454e44* | 4c494e484942303030*) echo hibernated; return ;;
  esac
  case $(head_at 0 8) in
    58465342*) echo xfs; return ;;
    4c554b53babe*) echo encrypted; return ;;
  esac
  case $(head_at 3 8) in
    4e54465320202020) echo ntfs; return ;;
    2d4656452d46532d) echo encrypted; return ;;
  esac
  for sector in 0 512 1024 1536; do
    [ "$(head_at $sector 8)" != 4c4142454c4f4e45 ] || { echo lvm; return; }
  done
  [ "$(head_at 1080 2)" != 53ef ] || { echo ext4; return; }
  [ "$(head_at 65600 8)" != 5f42485266535f4d ] || { echo btrfs; return; }
  case $(head_at 82 5)$(head_at 54 4) in 4641543332* | *46415431) echo vfat; return ;; esac
  [ "$(head_at 4096 4)" != fc4e2ba9 ] || { echo raid; return; }
  echo unknown
}

# Read-only, so nothing is written but what the file system needs to be whole: the journal of one that
# was not unmounted is replayed. Giving back free blocks needs no more.
trim() {
  options=ro
  case $2 in
    # One that knows of its own errors may call blocks free that are not.
    ext4) case $(head_at 1082 1) in *2 | *3 | *6 | *7 | *a | *b | *e | *f) say "$1" "$2" errors; return ;; esac ;;
    xfs) options=ro,nouuid ;;
  esac
  mount -t "$2" -o "$options" "/dev/$1" /disk || { say "$1" "$2" unmountable; return; }
  if fstrim /disk; then outcome=trimmed; else outcome=untrimmable; fi
  umount /disk && say "$1" "$2" "$outcome"
}

parts=
for disk in /sys/block/vd*; do
  found=
  for part in "$disk"/vd*; do
    # Of one or two sectors: it only holds other partitions.
    [ ! -e "$part/partition" ] || [ "$(cat "$part/size")" -le 2 ] || found="$found ${part##*/}"
  done
  parts="$parts ${found:-${disk##*/}}"
done
# A guest that sleeps on its disk goes on from what it remembers of it: nothing may change.
for part in $parts; do
  [ "$(kind_of "/dev/$part")" != hibernated ] || { say "$part" swap hibernated; parts=; break; }
done
for part in $parts; do
  kind=$(kind_of "/dev/$part")
  case $kind in
    ext4 | xfs | btrfs | vfat) trim "$part" $kind ;;
    # What was swapped out is nobody's once the guest is off. The kernel itself leaves the head alone.
    swap) if swapon -donce "/dev/$part"; then swapoff "/dev/$part"; say "$part" swap trimmed; else say "$part" swap untrimmable; fi ;;
    *) say "$part" $kind alone ;;
  esac
done
sync
say - helper done
poweroff -f
