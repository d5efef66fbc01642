#!/bin/sh
# Boots a root file system with its systemd, or with another process 1, without a virtual machine:
#
#   boot.sh ROOT SCRATCH NAME [INIT ARGUMENT...]
#
# ROOT stays as it is: what the system writes is in a tmpfs on SCRATCH, an empty folder, and gone with the system. Everything is in
# namespaces of its own, the network has lo and nothing else. This process waits for the end of the system, and its end is the system's;
# the system's process 1 is the child of its child. It is in cgroups called NAME, which whoever started it removes afterwards.
set -eu
root=$1 scratch=$2 name=$3
shift 3
[ $# -gt 0 ] || set -- /lib/systemd/systemd --system --unit=multi-user.target

# shellcheck disable=SC2013 # folders of cgroups have no spaces
for hierarchy in $(awk '$3 == "cgroup2" || $3 == "cgroup" && $4 ~ /name=systemd/ { print $2 }' /proc/mounts); do
	mkdir -p "$hierarchy/$name"
	echo $$ >"$hierarchy/$name/cgroup.procs"
done

export root scratch
# shellcheck disable=SC2016 # for the inner shell
exec unshare -f -p -m -i -u -n -C --propagation private --kill-child sh -euc '
	mount -t tmpfs -o mode=755 tmpfs "$scratch"
	mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
	mount -t overlay -o "lowerdir=$root,upperdir=$scratch/upper,workdir=$scratch/work" overlay "$scratch/root"
	cd "$scratch/root"
	mount -t proc -o nosuid,noexec,nodev proc proc
	mount -t sysfs -o ro,nosuid,noexec,nodev sysfs sys
	mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
	mount -t tmpfs -o mode=1777 tmpfs tmp
	mount -t tmpfs -o mode=755,nosuid tmpfs dev
	for device in null zero full random urandom tty; do
		touch "dev/$device"
		mount --bind "/dev/$device" "dev/$device"
	done
	mkdir dev/pts dev/shm
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
	mount -t tmpfs -o mode=1777 tmpfs dev/shm
	ln -s pts/ptmx dev/ptmx
	ln -s /proc/self/fd dev/fd
	ln -s /proc/self/fd/0 dev/stdin
	ln -s /proc/self/fd/1 dev/stdout
	ln -s /proc/self/fd/2 dev/stderr
	mount -t cgroup2 cgroup2 sys/fs/cgroup
	hostname superd-test
	ip link set lo up
	mkdir -p mnt/old
	pivot_root . mnt/old
	cd /
	exec env -i container=superd-test container_uuid=0123456789abcdef0123456789abcdef PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		sh -c "umount -l /mnt/old; exec \"\$@\"" sh "$@" </dev/null
' sh "$@"
