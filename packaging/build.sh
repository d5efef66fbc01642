#!/bin/sh
# Builds superd's packages into FOLDER (default: dist): superd_VERSION_{amd64,arm64}.deb, superd-VERSION.{x86_64,aarch64}.rpm and
# superd-VERSION-linux-{amd64,arm64}.tar.gz:
#
#   packaging/build.sh [-a "amd64 arm64"] [-f "deb rpm tar"] [FOLDER]
#
# It wants Go, dpkg-deb, rpmbuild (Debian package rpm), gzip and tar; no network beyond what go build needs. Two builds of one commit
# with one Go are byte for byte the same: times are the commit's, or $SOURCE_DATE_EPOCH.
# The version is the one in cmd/superd/main.go; $SUPERD_VERSION overrides it.
set -eu

architectures="amd64 arm64"
formats="deb rpm tar"
while getopts a:f: option; do
	case $option in
	a) architectures=$OPTARG ;;
	f) formats=$OPTARG ;;
	*) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))

fail() {
	echo "build: $*" >&2
	exit 1
}

mkdir -p "${1:-dist}"
out=$(cd "${1:-dist}" && pwd)
cd "$(dirname "$0")/.."
packaging=$PWD/packaging
umask 022
export LC_ALL=C TZ=UTC

version=${SUPERD_VERSION:-$(sed -n 's/^var version = "\(.*\)"$/\1/p' cmd/superd/main.go)}
[ -n "$version" ] || fail "no version in cmd/superd/main.go"
package_version=$(echo "$version" | tr - '~') # 0.1.0-dev comes before 0.1.0
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)}
export SOURCE_DATE_EPOCH
maintainer=${SUPERD_MAINTAINER:-The superd developers <superd@packages.invalid>}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

compile() { # ARCHITECTURE: into $work/superd-ARCHITECTURE, once
	[ ! -e "$work/superd-$1" ] || return 0
	CGO_ENABLED=0 GOOS=linux GOARCH=$1 GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version" -o "$work/superd-$1" ./cmd/superd
}

# compress FILE…: as gzip -9n does it, which writes no name and no time.
compress() { gzip -9n "$@"; }

# The modules that are in the binary, with every text about their licence that they come with.
licences() {
	cat <<END
superd is a super-server for Linux.

Copyright: the superd authors
Licence: Apache-2.0; on Debian systems its text is /usr/share/common-licenses/Apache-2.0.

$(tail -n 12 LICENSE)

The program contains, compiled in, the modules below and the standard library of Go $(go env GOVERSION | sed s/^go//). Their licences follow, as they come
with them.
END
	licence "Go, the standard library and the runtime" "$(go env GOROOT)/LICENSE"
	for arch in $architectures; do
		CGO_ENABLED=0 GOOS=linux GOARCH=$arch go list -deps \
			-f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/superd
	done | sort -u | while read -r module release dir; do
		found=
		for text in "$dir"/LICEN[CS]E* "$dir"/COPYING* "$dir"/NOTICE* "$dir"/PATENTS*; do
			[ ! -f "$text" ] || { licence "$module $release" "$text"; found=yes; }
		done
		[ -n "$found" ] || fail "$module has no licence"
	done
}

licence() { # TITLE FILE
	printf '\n%s\n%s: %s\n%s\n\n' "$bar" "$1" "$(basename "$2")" "$bar"
	cat "$2"
}
bar=------------------------------------------------------------------------------

# The host's own superd writes the completions, whatever it is packed for.
compile "$(go env GOHOSTARCH)"
own=$work/superd-$(go env GOHOSTARCH)
licences >"$work/copyright"

# tree ROOT ARCHITECTURE: what both packages have in common.
tree() {
	root=$1
	doc=$root/usr/share/doc/superd
	examples=$doc/examples
	install -d "$root/usr/sbin" "$root/etc/superd/conf.d/examples" "$doc" "$examples"
	compile "$2"
	install -m 755 "$work/superd-$2" "$root/usr/sbin/superd"
	install -m 644 superd.hcl "$root/etc/superd/superd.hcl"
	install -m 644 conf.d/*.hcl "$root/etc/superd/conf.d/"
	for example in conf.d/examples/*; do
		if [ -x "$example" ]; then mode=755; else mode=644; fi
		install -m $mode "$example" "$root/etc/superd/conf.d/examples/"
	done
	install -D -m 644 "$packaging/systemd/superd.service" "$root/usr/lib/systemd/system/superd.service"
	install -D -m 644 "$packaging/systemd/superd.sysusers" "$root/usr/lib/sysusers.d/superd.conf"
	install -D -m 644 "$packaging/systemd/superd.tmpfiles" "$root/usr/lib/tmpfiles.d/superd.conf"
	install -D -m 644 "$packaging/logrotate/superd" "$root/etc/logrotate.d/superd"
	install -m 644 "$packaging/systemd/superd.socket" "$packaging/systemd/hardened.conf" "$examples/"
	install -D -m 755 "$packaging/openrc/superd" "$examples/openrc/superd"
	for example in prometheus/alerts.yml prometheus/scrape.yml grafana/superd.json fail2ban/filter.d/superd.conf fail2ban/jail.d/superd.conf; do
		install -D -m 644 "$packaging/$example" "$examples/$example"
	done
	for page in "$packaging"/man/*.[1-9]; do
		section=$root/usr/share/man/man${page##*.}
		install -D -m 644 "$page" "$section/$(basename "$page")"
		compress "$section/$(basename "$page")"
	done
	install -d "$root/usr/share/bash-completion/completions" "$root/usr/share/fish/vendor_completions.d"
	"$own" completion bash >"$root/usr/share/bash-completion/completions/superd"
	"$own" completion fish >"$root/usr/share/fish/vendor_completions.d/superd.fish"
	install -m 644 README.md "$doc/README.md"
}

# settle ROOT: every time in it is the commit's, or earlier.
settle() { find "$1" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; }

deb() { # ARCHITECTURE
	root=$work/deb-$1
	tree "$root" "$1"
	install -d "$root/usr/share/zsh/vendor-completions" "$root/DEBIAN"
	"$own" completion zsh >"$root/usr/share/zsh/vendor-completions/_superd"
	install -D -m 755 "$packaging/sysv/superd" "$root/etc/init.d/superd"
	install -D -m 644 "$packaging/sysv/superd.default" "$root/etc/default/superd"
	install -m 644 "$work/copyright" "$root/usr/share/doc/superd/copyright"
	install -m 644 CHANGELOG.md "$root/usr/share/doc/superd/changelog"
	cat >"$root/usr/share/doc/superd/changelog.Debian" <<END
superd ($package_version-1) unstable; urgency=medium

  * Built from the project's own sources; see changelog.gz.

 -- $maintainer  $(date -R -d "@$SOURCE_DATE_EPOCH")
END
	compress "$root/usr/share/doc/superd/changelog" "$root/usr/share/doc/superd/changelog.Debian"
	install -D -m 644 "$packaging/deb/lintian-overrides" "$root/usr/share/lintian/overrides/superd"
	for script in preinst postinst prerm postrm; do
		[ ! -e "$packaging/deb/$script" ] || install -m 755 "$packaging/deb/$script" "$root/DEBIAN/$script"
	done
	(cd "$root" && find etc -type f | sort | sed 's|^|/|') >"$root/DEBIAN/conffiles"
	(cd "$root" && find usr -type f | sort | xargs md5sum) >"$root/DEBIAN/md5sums"
	cat >"$root/DEBIAN/control" <<END
Package: superd
Version: $package_version-1
Section: net
Priority: optional
Architecture: $1
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size --exclude=DEBIAN "$root" | cut -f1)
$(cat "$packaging/deb/control")
END
	settle "$root"
	dpkg-deb --root-owner-group -Zxz --threads-max=1 --build "$root" "$out/superd_${package_version}-1_$1.deb" >/dev/null
}

rpm() { # ARCHITECTURE
	case $1 in
	amd64) machine=x86_64 ;;
	arm64) machine=aarch64 ;;
	*) fail "no name in rpm for $1" ;;
	esac
	root=$work/rpm-$1
	tree "$root" "$1"
	install -d "$root/usr/share/zsh/site-functions" "$root/usr/share/licenses/superd" "$root/var/log/superd"
	"$own" completion zsh >"$root/usr/share/zsh/site-functions/_superd"
	install -m 644 "$work/copyright" "$root/usr/share/licenses/superd/copyright"
	install -m 644 LICENSE "$root/usr/share/licenses/superd/LICENSE"
	install -m 644 CHANGELOG.md "$root/usr/share/doc/superd/"
	settle "$root"
	rpmbuild --quiet -bb --target "$machine-linux" --buildroot "$work/buildroot-$1" \
		--define "_topdir $work/rpmbuild-$1" --define "_rpmdir $work/rpms" --define "_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm" \
		--define "superd_version $package_version" --define "superd_root $root" --define "superd_maintainer $maintainer" \
		--define "superd_date $(date -d "@$SOURCE_DATE_EPOCH" '+%a %b %d %Y')" \
		--define "_buildhost reproducible" --define "use_source_date_epoch_as_buildtime 1" --define "clamp_mtime_to_source_date_epoch 1" \
		--define "_dbpath $work/rpmdb" "$packaging/rpm/superd.spec" >"$work/rpm.log" 2>&1 || { cat "$work/rpm.log" >&2; fail "rpmbuild failed"; }
	cp "$work/rpms/superd-$package_version-1.$machine.rpm" "$out/"
}

# The tree as it is, for whoever has another kind of package; its folder holds everything with the paths that it has when installed.
archive() { # ARCHITECTURE
	top=superd-$version-linux-$1
	root=$work/tar-$1/$top
	tree "$root" "$1"
	install -d "$root/usr/share/zsh/site-functions"
	"$own" completion zsh >"$root/usr/share/zsh/site-functions/_superd"
	install -D -m 755 "$packaging/sysv/superd" "$root/usr/share/doc/superd/examples/sysv/superd"
	install -m 644 "$packaging/sysv/superd.default" "$root/usr/share/doc/superd/examples/sysv/superd.default"
	install -m 644 LICENSE CHANGELOG.md README.md "$root/"
	install -m 644 "$work/copyright" "$root/COPYRIGHT"
	settle "$root"
	tar -C "$work/tar-$1" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime --format=gnu -cf - "$top" |
		gzip -9n >"$out/$top.tar.gz"
}

for arch in $architectures; do
	for format in $formats; do
		case $format in
		deb) deb "$arch" ;;
		rpm) rpm "$arch" ;;
		tar) archive "$arch" ;;
		*) fail "unknown format $format" ;;
		esac
	done
done
