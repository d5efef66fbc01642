// Package testnet gives the tests of a package a network of their own, where no other process takes a port between its being
// found free and its being used. The daemon does without it.
package testnet

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const inside = "SUPERD_TESTNET"

// Enter begins the process anew in a network namespace with nothing but lo, and returns there. Where that cannot be had, as
// without root, it returns at once and the network is the machine's. Call it first in TestMain.
func Enter() {
	if os.Getenv(inside) != "" {
		_ = os.Unsetenv(inside) // whoever the tests start is inside anyway
		return
	}
	if os.Getuid() != 0 {
		return
	}
	runtime.LockOSThread() // execve(2) keeps this thread and its namespaces
	if unix.Unshare(unix.CLONE_NEWNET) != nil {
		runtime.UnlockOSThread()
		return
	}
	if err := loopback(); err != nil {
		panic(err) // this thread is in a network without lo, and cannot go back
	}
	panic(unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), inside+"=1")))
}

// loopback sets lo up, which gives it 127.0.0.1 and ::1.
func loopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return os.NewSyscallError("ioctl", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo))
}
