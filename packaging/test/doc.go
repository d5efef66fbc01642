// Package test holds tests only: the packages that packaging/build.sh makes, installed by the real dpkg and rpm in a
// really booted systemd, the init scripts in real shells, and the flag LABELED in a virtual machine whose kernel has SELinux.
//
//	packaging/install-test-programs.sh            makes the root file systems that are booted, and installs what checks packages
//	SUPERD_E2E=1 go test ./packaging/test         fails where something is missing; without it, such a test skips
package test
