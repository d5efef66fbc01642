package socket

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	lingerFor   = 2 * time.Second
	lingerBytes = 64 << 10
)

// Lingerer says goodbye to refused clients. Closing a socket with unread bytes in it sends a reset, which destroys
// text that is still on its way (RFC 1122, 4.2.2.13); so a farewell reads on for a while.
type Lingerer struct {
	slots chan struct{}
	wg    sync.WaitGroup
}

// NewLingerer makes a Lingerer for at most so many farewells at once.
func NewLingerer(most int) *Lingerer {
	return &Lingerer{slots: make(chan struct{}, most)}
}

// Refuse takes the connection over and returns at once: it writes text, half-closes, reads on until the client has
// closed, too, or has had 64 KiB or 2 s, and closes fd. With all slots taken it writes what fits and closes at once.
// fd may be in either mode.
func (l *Lingerer) Refuse(fd int, text []byte) {
	select {
	case l.slots <- struct{}{}:
		l.wg.Go(func() {
			defer func() { <-l.slots }()
			farewell(fd, text)
		})
	default:
		SendNow(fd, text)
		unix.Close(fd)
	}
}

// Wait returns when every farewell is over, after 2 s at most.
func (l *Lingerer) Wait() { l.wg.Wait() }

// farewell owns fd. Its errors are the client's loss.
func farewell(fd int, text []byte) {
	sent := SendNow(fd, text)
	if sent == len(text) {
		unix.Shutdown(fd, unix.SHUT_WR) // the client need not wait for what follows
	}
	unix.SetNonblock(fd, true) // so that reading needs no thread
	f := os.NewFile(uintptr(fd), "farewell")
	defer f.Close()
	f.SetDeadline(time.Now().Add(lingerFor))
	if sent < len(text) && !finish(f, text[sent:]) {
		return
	}
	io.Copy(io.Discard, io.LimitReader(f, lingerBytes))
}

// finish writes the rest of a text that the send buffer had no room for.
func finish(f *os.File, rest []byte) bool {
	if _, err := f.Write(rest); err != nil {
		return false
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	return raw.Control(func(fd uintptr) { unix.Shutdown(int(fd), unix.SHUT_WR) }) == nil
}

// SendNow writes as much of b as the send buffer takes, without waiting, and returns how much.
func SendNow(fd int, b []byte) int {
	if len(b) == 0 {
		return 0
	}
	n, err := unix.SendmsgN(fd, b, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	if err != nil {
		return 0
	}
	return n
}

// SendLast writes b, which nothing follows and for which there is room in the send buffer, and EOF, in one packet if they fit.
func SendLast(fd int, b []byte) {
	_, _, _ = syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL|unix.MSG_MORE, 0, 0)
	_, _, _ = syscall.RawSyscall(unix.SYS_SHUTDOWN, uintptr(fd), unix.SHUT_WR, 0)
}

// Discard reads at most so many bytes away, without waiting (tcp(7), MSG_TRUNC): 0 is the peer's end, EAGAIN that there are none.
func Discard(fd, most int) (n int, err error) {
	r, _, errno := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), 0, uintptr(most), unix.MSG_DONTWAIT|unix.MSG_TRUNC, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}

// Reset closes fd so that the client gets an RST.
func Reset(fd int) {
	unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	unix.Close(fd)
}
