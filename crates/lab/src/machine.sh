# The first process of a provider's machine, and its reaper. Runs in a network, mount and process
# namespace of its own:  machine.sh FOLDER STORAGE KVM(yes|no) NICE
set -eu
folder=$1 storage=$2 kvm=$3 nice=$4

# As at every boot: network devices that the last life of this machine made are gone.
for device in /sys/class/net/*; do
  case ${device##*/} in lo|eth0) ;; *) ip link del "${device##*/}" 2> /dev/null || true ;; esac
done

# Another lab's disk is not this machine's: a mount kept here would outlive its lab.
while read -r _ point type _; do
  case "$type $point" in
    "xfs "*/providers/*/storage) [ "$point" = "$storage" ] || umount "$point" || true ;;
  esac
done < /proc/self/mounts

# QEMU runs unprivileged. Where a folder above the data folder lets nobody pass (as /root does),
# this machine sees in its place one that does, with the same things in it.
passable() {
  original=/run/original; mkdir -p "$original"
  mount --rbind "$1" "$original"
  mount -t tmpfs -o mode=0711 lab "$1"
  for entry in "$original"/* "$original"/.[!.]*; do
    here=$1/${entry##*/}
    if [ -L "$entry" ]; then cp -P "$entry" "$here"
    elif [ -d "$entry" ]; then mkdir "$here"; mount --rbind "$entry" "$here"
    elif [ -f "$entry" ]; then : > "$here"; mount --bind "$entry" "$here"
    fi
  done
  umount --lazy "$original"
}

# Its own /run: no system bus, no udev, no systemd of the machine around it.
mount -t tmpfs -o mode=0755 lab /run
above= rest=${folder#/}/
while [ -n "$rest" ]; do
  above=$above/${rest%%/*} rest=${rest#*/}
  case $(stat -L -c %A "$above") in *[xt]) ;; *) passable "$above" ;; esac
done

mkdir -p /run/libvirt /run/lock "$folder"/etc "$folder"/lib "$folder"/cache "$folder"/log
mount --bind "$folder/run" /run/libvirt
for place in /etc/libvirt:etc /var/lib/libvirt:lib /var/cache/libvirt:cache /var/log/libvirt:log; do
  mkdir -p "${place%:*}"
  mount --bind "$folder/${place#*:}" "${place%:*}"
done
mkdir -p /run/libvirt/common

# /dev/kvm may exist and hang every guest; libvirt would offer it. What cannot be opened is not offered.
if [ "$kvm" = no ] && [ -e /dev/kvm ]; then
  : > /run/no-kvm; chmod 0 /run/no-kvm; mount --bind /run/no-kvm /dev/kvm
fi

# The agent's user, as its package makes it: libvirt asks for the name of whoever calls.
cp /etc/passwd /run/passwd
echo 'lab-agent:x:64100:64100::/nonexistent:/usr/sbin/nologin' >> /run/passwd
mount --bind /run/passwd /etc/passwd
cp /etc/group /run/group
echo 'lab-agent:x:64100:' >> /run/group
mount --bind /run/group /etc/group

# Labels by owner stay (the default DAC driver); no cgroups, no nested namespaces, no log daemon.
cat > /etc/libvirt/qemu.conf <<'END'
security_driver = "none"
cgroup_controllers = [ ]
namespaces = [ ]
remember_owner = 0
stdio_handler = "file"
END
cat > /etc/libvirt/libvirtd.conf <<'END'
unix_sock_group = "libvirt"
unix_sock_rw_perms = "0770"
auth_unix_rw = "none"
END

# Guests inherit this: they never starve what is being tested.
nice -n "$nice" libvirtd --pid-file /run/libvirt/libvirtd.pid &

# The first process of a process namespace inherits every orphan; the shell reaps them.
trap : CHLD
while :; do sleep 1000000 & wait; done
