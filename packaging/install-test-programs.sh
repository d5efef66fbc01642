#!/bin/sh
# Installs the real servers and clients that cmd/superd/e2e drives, on Debian 12 or later, as root:
#
#   packaging/install-test-programs.sh [FOLDER]
#
# Nothing it installs is started. Programs that cannot be installed beside others (xinetd and the telnet daemons
# conflict with every other super-server as packages, proftpd and atftpd with vsftpd and tftpd-hpa, fingerd and micro-httpd
# want a super-server to be installed, systemd would want to be the system's) are unpacked into
# FOLDER, which is $SUPERD_TEST_PROGRAMS or /var/cache/superd-test unless given. Running it again costs a few seconds and changes nothing.
set -eu

folder=${1:-${SUPERD_TEST_PROGRAMS:-/var/cache/superd-test}}

packages="vsftpd lftp curl ca-certificates
	tftpd-hpa tftp-hpa
	rsync git
	openssh-server openssh-client
	finger cvs oidentd rpcbind rusersd rstatd rstat-client nagios-nrpe-server nagios-nrpe-plugin nbdkit libnbd-bin netbase
	amanda-client amanda-server mariadb-server galera-4
	telnet netcat-openbsd
	prometheus chromium fonts-dejavu-core fail2ban
	gcc libc6-dev
	qemu-system-x86 secilc netlabel-tools cpio
	mandoc lintian rpm rpmlint shellcheck bash-completion zsh fish logrotate mmdebstrap
	procps iproute2 util-linux mount
	libwrap0 libtirpc3 libselinux1 libkrb5-3 libtinfo6
	libhiredis0.14 libmemcached11 libmemcachedutil2 libpcre2-posix3 libsodium23
	libacl1 libaudit1 libcap2 libcrypt1 libgcrypt20 libip4tc2 libkmod2 liblz4-1 liblzma5 libmount1 libpam0g libseccomp2 libssl3 libzstd1"
unpacked="xinetd tcpd proftpd-core atftpd fingerd micro-httpd inetutils-telnetd busybox-static systemd libsystemd-shared libsystemd0 openrc libeinfo1 librc1"
programs="mandoc lintian rpmbuild rpmlint shellcheck zsh fish logrotate mmdebstrap vsftpd lftp curl in.tftpd tftp rsync git sshd ssh ssh-keygen telnet nc gcc ps ss prlimit unshare mount
	finger cvs oidentd rpcbind rpcinfo rpc.rusersd rpc.rstatd rup nsenter nrpe nbdkit nbdinfo nbdcopy amcheck mariadbd mariadb
	qemu-system-x86_64 secilc netlabelctl cpio
	promtool prometheus chromium fail2ban-regex fail2ban-client"

fail() {
	echo "install-test-programs: $*" >&2
	exit 1
}

[ "$(id -u)" -eq 0 ] || fail "must run as root"
command -v apt-get >/dev/null || fail "apt-get is missing: this script is for Debian and its kin"

PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH
export PATH DEBIAN_FRONTEND=noninteractive

# invoke-rc.d asks policy-rc.d whether a freshly installed daemon may start; 101 forbids it. One that is there stays.
policy=/usr/sbin/policy-rc.d
scratch=$(mktemp -d)
cleanup() {
	rm -rf "$scratch"
	if [ -n "${policy_is_ours:-}" ]; then rm -f "$policy"; fi
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e "$policy" ]; then
	policy_is_ours=yes
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

installed() {
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || return 1
	done
}

updated=
update() {
	[ -z "$updated" ] || return 0
	apt-get -q update >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "apt-get update failed"; }
	updated=yes
}

# shellcheck disable=SC2086 # lists of words
if ! installed $packages; then
	update
	for package in $packages; do
		apt-cache show "$package" >/dev/null 2>&1 || fail "no package $package in the sources of this machine"
	done
	apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confold install $packages >"$scratch/log" 2>&1 ||
		{ tail -n 40 "$scratch/log" >&2; fail "apt-get install failed"; }
fi

mkdir -p "$folder" || fail "cannot make $folder"
chmod 755 "$scratch" # apt downloads as _apt
for package in $unpacked; do
	[ ! -e "$folder/$package/.complete" ] || continue
	update
	rm -rf "${folder:?}/$package" "$scratch"/*.deb
	(cd "$scratch" && apt-get -q download "$package" >log 2>&1) ||
		{ cat "$scratch/log" >&2; fail "cannot download $package"; }
	dpkg -x "$scratch/$package"_*.deb "$folder/$package" || fail "cannot unpack $package"
	touch "$folder/$package/.complete"
done

# The kernel that packaging/test boots for SELinux. It is not installed, and of its package only itself is kept.
kernel=linux-image-cloud-amd64
if [ "$(dpkg --print-architecture)" = amd64 ] && [ ! -e "$folder/$kernel/.complete" ]; then
	update
	rm -rf "${folder:?}/$kernel" "$scratch"/*.deb
	package=$(apt-cache depends "$kernel" | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	[ -n "$package" ] || fail "no package $kernel in the sources of this machine"
	(cd "$scratch" && apt-get -q download "$package" >log 2>&1) ||
		{ cat "$scratch/log" >&2; fail "cannot download $package"; }
	mkdir -p "$folder/$kernel"
	dpkg --fsys-tarfile "$scratch/$package"_*.deb | tar -x -C "$folder/$kernel" --wildcards './boot/vmlinuz-*' || fail "cannot unpack $package"
	touch "$folder/$kernel/.complete"
fi

# Root file systems that packaging/test boots: this Debian's, with the xinetd that superd leaves alone, and a newer one where it can be had.
root() { # SUITE PACKAGES
	if [ -e "$folder/$1/.complete" ] && [ -e "$folder/$1/usr/sbin/logrotate" ]; then return 0; fi
	rm -rf "${folder:?}/$1"
	mmdebstrap --variant=minbase --include="systemd,systemd-sysv,dbus,iproute2,procps,rpm,logrotate$2" "$1" "$folder/$1" >"$scratch/log" 2>&1 || {
		rm -rf "${folder:?}/$1"
		return 1
	}
	# It loads what the kernel does not have here, and fails.
	ln -sf /dev/null "$folder/$1/etc/systemd/system/systemd-modules-load.service"
	touch "$folder/$1/.complete"
}
root bookworm ,xinetd || { tail -n 40 "$scratch/log" >&2; fail "cannot make a root file system of bookworm"; }
root trixie "" || echo "install-test-programs: no root file system of trixie, whose tests are left out" >&2

for program in $programs; do
	command -v "$program" >/dev/null || fail "$program is still missing"
done
libraries=$(echo "$folder"/libsystemd*/usr/lib/*-linux-gnu* "$folder"/libsystemd*/usr/lib/*-linux-gnu*/systemd | tr ' ' :)
export LD_LIBRARY_PATH="$libraries" # for journald, which runs from its folder
for program in xinetd/usr/sbin/xinetd tcpd/usr/sbin/tcpdmatch proftpd-core/usr/sbin/proftpd atftpd/usr/sbin/atftpd fingerd/usr/sbin/in.fingerd micro-httpd/usr/sbin/micro-httpd inetutils-telnetd/usr/sbin/telnetd systemd/lib/systemd/systemd-journald systemd/bin/journalctl; do
	[ -x "$folder/$program" ] || fail "$folder/$program is still missing"
	if ldd "$folder/$program" | grep -q 'not found'; then
		ldd "$folder/$program" >&2
		fail "$folder/$program lacks a library"
	fi
done
busybox=$folder/busybox-static/bin/busybox
"$busybox" --list | grep -qx telnetd || fail "$busybox has no telnetd"

echo "install-test-programs: all there; xinetd, the telnet daemons and journald are in $folder"
