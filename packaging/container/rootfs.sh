#!/bin/sh
# Makes the root file system of superd's container image: packaging/container/rootfs.sh FOLDER
#
# Needs Go and nothing else; no root either. Containerfile calls it, and what it makes can be tried without any
# container engine: unshare --user --map-root-user --pid --fork --mount-proc=FOLDER/proc --root=FOLDER /usr/sbin/superd run
set -eu

root=${1:?usage: rootfs.sh FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../..

umask 022
mkdir -p "$root/usr/sbin" "$root/etc/superd/conf.d" "$root/proc" "$root/dev" "$root/run/superd" "$root/tmp"
chmod 1777 "$root/tmp"

(cd "$source" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$root/usr/sbin/superd" ./cmd/superd)
cp "$here/superd.hcl" "$root/etc/superd/superd.hcl"

# superd looks users up where everybody does. There is no shell for them to have.
cat >"$root/etc/passwd" <<'END'
root:x:0:0:root:/:/nonexistent
nobody:x:65534:65534:nobody:/nonexistent:/nonexistent
END
cat >"$root/etc/group" <<'END'
root:x:0:
nogroup:x:65534:
END
