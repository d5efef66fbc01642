#!/bin/sh
# Makes the root file system of the capture-the-flag image: packaging/container/ctf/rootfs.sh FOLDER
#
# That is superd's own, and one program that strangers may break. Needs Go and a C compiler; as root it also
# sets whom the flag belongs to.
set -eu

root=${1:?usage: rootfs.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)

"$here/../rootfs.sh" "$root"
cp "$here/superd.hcl" "$root/etc/superd/superd.hcl"
echo 'ctf:x:1000:1000:ctf:/nonexistent:/nonexistent' >>"$root/etc/passwd"
echo 'ctf:x:1000:' >>"$root/etc/group"

# The program's jail: the program, the flag, and nothing that it could change.
mkdir -p "$root/srv/ctf"
"${CC:-cc}" -static -O2 -Wall -o "$root/srv/ctf/guess" "$here/guess.c"
FLAG=${FLAG:-'flag{this_is_not_the_real_one}'}
printf '%s\n' "$FLAG" >"$root/srv/ctf/flag"
chmod 755 "$root/srv/ctf" "$root/srv/ctf/guess"
chmod 440 "$root/srv/ctf/flag"
if [ "$(id -u)" -eq 0 ]; then chown -R 0:1000 "$root/srv/ctf"; fi
