package main

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// holdLoad makes connections that stay: each is there when its program has said hello. So many are under way at a time.
type holdLoad struct {
	To     netip.AddrPort
	From   []netip.Addr
	Count  int
	Window int
	Limit  time.Duration
}

// run returns what has become of them, and how to end those that are there; release may be called twice.
func (l *holdLoad) run() (o outcome, release func(), err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := map[int]time.Time{} // by descriptor
	var held []int
	release = func() {
		for fd := range began {
			_ = unix.Close(fd)
		}
		for _, fd := range held {
			_ = unix.Close(fd)
		}
		clear(began)
		held = nil
	}
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return o, release, err
	}
	defer unix.Close(poll)
	start := time.Now()
	last := start.Add(l.Limit)
	events := make([]unix.EpollEvent, 64)
	reply := make([]byte, len(hello)+1)
	for begun := 0; (begun < l.Count || len(began) > 0) && time.Now().Before(last); {
		for ; begun < l.Count && len(began) < l.Window; begun++ {
			now := time.Now()
			fd, err := dial(l.From[begun%len(l.From)], l.To)
			if err != nil {
				if fd >= 0 {
					_ = unix.Close(fd)
				}
				return o, release, fmt.Errorf("connection %d: %w", begun+1, err)
			}
			began[fd] = now
			if err := unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
				return o, release, err
			}
		}
		n, err := unix.EpollWait(poll, events, 100)
		if err != nil && err != unix.EINTR {
			return o, release, err
		}
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			n, err := unix.Read(fd, reply)
			latency := time.Since(began[fd])
			delete(began, fd)
			_ = unix.EpollCtl(poll, unix.EPOLL_CTL_DEL, fd, nil)
			held = append(held, fd)
			switch {
			case err != nil:
				o.fail("read: " + err.Error())
			case checkHello(reply[:n]) != "":
				o.fail(checkHello(reply[:n]))
			default:
				o.done(latency)
			}
		}
	}
	o.Elapsed = time.Since(start)
	for range began {
		o.fail(fmt.Sprintf("no answer after %v altogether", l.Limit))
	}
	slices.Sort(o.Latencies)
	return o, release, nil
}
