#!/bin/sh
# Unpacks the super-servers that cmd/superbench compares superd with, on Debian 12 or later:
#
#   packaging/unpack-peers.sh [FOLDER]
#
# As packages they conflict with each other, so they are not installed but unpacked side by side into FOLDER, which is
# $SUPERD_TEST_PROGRAMS or /var/cache/superd-test unless given: superbench looks there. Nothing is started. What they need
# of libraries is installed, which takes root, unless it is there already. Running it again changes nothing.
set -eu

folder=${1:-${SUPERD_TEST_PROGRAMS:-/var/cache/superd-test}}

packages="xinetd openbsd-inetd inetutils-inetd ucspi-tcp ipsvd systemd libsystemd-shared libsystemd0"
libraries="libwrap0 libbsd0 libevent-2.1-7 libtirpc3 libnsl2 libselinux1
	libacl1 libaudit1 libcap2 libcrypt1 libgcrypt20 libip4tc2 libkmod2 liblz4-1 liblzma5 libmount1 libpam0g libseccomp2 libssl3 libzstd1"
programs="xinetd/usr/sbin/xinetd openbsd-inetd/usr/sbin/inetd inetutils-inetd/usr/sbin/inetutils-inetd
	ucspi-tcp/usr/bin/tcpserver ipsvd/usr/bin/tcpsvd systemd/usr/bin/systemd-socket-activate"

fail() {
	echo "unpack-peers: $*" >&2
	exit 1
}

command -v apt-get >/dev/null || fail "apt-get is missing: this script is for Debian and its kin"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$scratch" # apt downloads as _apt

installed() {
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || return 1
	done
}

updated=
update() {
	[ -z "$updated" ] || return 0
	updated=yes
	[ "$(id -u)" -eq 0 ] || return 0 # with the lists that there are
	apt-get -q update >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; fail "apt-get update failed"; }
}

# shellcheck disable=SC2086 # lists of words
if ! installed $libraries; then
	[ "$(id -u)" -eq 0 ] || fail "as root, install these first: $libraries"
	update
	DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $libraries >"$scratch/log" 2>&1 ||
		{ tail -n 40 "$scratch/log" >&2; fail "apt-get install failed"; }
fi

mkdir -p "$folder" || fail "cannot make $folder"
for package in $packages; do
	[ ! -e "$folder/$package/.complete" ] || continue
	update
	rm -rf "${folder:?}/$package" "$scratch"/*.deb
	(cd "$scratch" && apt-get -q download "$package" >log 2>&1) ||
		{ cat "$scratch/log" >&2; fail "cannot download $package"; }
	dpkg -x "$scratch/$package"_*.deb "$folder/$package" || fail "cannot unpack $package"
	touch "$folder/$package/.complete"
done

LD_LIBRARY_PATH=$(echo "$folder"/libsystemd*/usr/lib/*-linux-gnu* "$folder"/libsystemd*/usr/lib/*-linux-gnu*/systemd | tr ' ' :)
export LD_LIBRARY_PATH
for program in $programs; do
	[ -x "$folder/$program" ] || fail "$folder/$program is missing"
	if ldd "$folder/$program" | grep -q 'not found'; then
		ldd "$folder/$program" >&2
		fail "$folder/$program lacks a library"
	fi
done

echo "unpack-peers: all there, in $folder"
