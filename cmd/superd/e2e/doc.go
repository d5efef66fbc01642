// Package e2e holds tests only: the built superd with the real programs of the field, driven by their real clients.
//
//	packaging/install-test-programs.sh            installs the programs, starts none of them
//	SUPERD_E2E=1 go test ./cmd/superd/e2e         fails where a program is missing; without it, such a test skips
//
// Every test has a superd of its own on a loopback address of its own, so port numbers never clash.
// Further variables: SUPERD_E2E_RACE=1 builds superd with the race detector; SUPERD_E2E_BINARY names a superd
// that is built already; SUPERD_TEST_PROGRAMS is the folder that the script unpacked xinetd and the telnet daemons into.
//
// The side-by-side measurement with xinetd is a benchmark:
//
//	go test -run '^$' -bench SideBySide ./cmd/superd/e2e
package e2e
