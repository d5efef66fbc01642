package socket

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// LetGo closes fd, a connection. It never waits, so that Go's scheduler need not hear of the call. Only SO_LINGER (socket(7)) can make
// the last to close a connection wait: then a goroutine does. A program sets it, on the connection or, of a wait service, on the
// listening socket, which hands it on. Should it do so at this very moment, the signal that Go's scheduler sends to whoever is
// busy for long ends the wait after some 10 ms.
func LetGo(fd int) {
	if lingers(fd) {
		go func() { _ = unix.Close(fd) }()
		return
	}
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOSE, uintptr(fd), 0, 0)
}

func lingers(fd int) bool {
	var l unix.Linger
	size := uint32(unsafe.Sizeof(l))
	_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_LINGER,
		uintptr(unsafe.Pointer(&l)), uintptr(unsafe.Pointer(&size)), 0)
	return errno == 0 && l.Onoff != 0
}
