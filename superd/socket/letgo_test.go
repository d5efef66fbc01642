package socket

import (
	"io"
	"testing"

	"golang.org/x/sys/unix"
)

// A program that wants close(2) to wait for the peer does not make us wait, and loses nothing of what it has sent.
func TestLetGoOfOneThatLingers(t *testing.T) {
	for _, seconds := range []int32{-1, 0, 3600} {
		s := stream(t, "127.0.0.1:0")
		peer := dial(t, "tcp", s.LocalAddr().String())
		fd, _ := accept1(t, s, false)
		if seconds >= 0 {
			if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: seconds}); err != nil {
				t.Fatal(err)
			}
		}
		more := make([]byte, 1<<20) // than fits, so that there is something to wait for
		sent, err := unix.SendmsgN(fd, more, nil, nil, unix.MSG_DONTWAIT)
		if err != nil {
			t.Fatal(err)
		}
		if got := lingers(fd); got != (seconds >= 0) {
			t.Errorf("linger %d: it is said to linger: %v", seconds, got)
		}
		LetGo(fd)
		got, err := io.Copy(io.Discard, peer)
		if reset := seconds == 0; (err != nil) != reset || !reset && got != int64(sent) {
			t.Errorf("linger %d: %d bytes of %d, then %v", seconds, got, sent, err)
		}
	}
}
