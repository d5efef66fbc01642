package spawn

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// A child that begins with a copy of the daemon's table of descriptors takes the longer the more there are: with 10,000
// sockets several times as long as all the rest. So it begins by sharing the table, and then takes for itself no more of it
// than the numbers up to the highest slot: close_range(2) with CLOSE_RANGE_UNSHARE copies nothing beyond. For that moment
// the connection stands in a slot.

// slots are descriptor numbers, as low as there were when the Starter was made, one for each birth. A slot that is not in
// use has a descriptor of something that nobody reads.
type slots struct {
	parked int // that something; -1: there are no slots, before Linux 5.9 and where a seccomp filter forbids close_range
	top    int // the highest slot
	held   int // descriptors, with parked
}

func newSlots(births []*birth) slots {
	s := slots{parked: -1}
	beyond := uintptr(^uint32(0)) // where nothing is open
	if _, _, errno := syscall.Syscall(unix.SYS_CLOSE_RANGE, beyond, beyond, 0); errno != 0 {
		return s
	}
	parked, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err != nil {
		return s
	}
	s.parked, s.held = parked, 1
	for _, b := range births {
		slot, err := unix.FcntlInt(uintptr(parked), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return s // those without one get all of the table
		}
		b.slot, s.top, s.held = slot, max(s.top, slot), s.held+1
	}
	return s
}

func (s *slots) release(b *birth) {
	if b.slot >= 0 {
		_ = unix.Close(b.slot)
	}
}

func (s *slots) close() {
	if s.parked >= 0 {
		_ = unix.Close(s.parked)
	}
}

// borrow puts fd into b's slot until giveBack. Where that cannot be done, b.narrow is false and the child gets all of the table.
func (s *slots) borrow(b *birth, fd int) { b.narrow = b.slot >= 0 && put(fd, b.slot) }

func (s *slots) giveBack(b *birth) {
	if b.narrow {
		put(s.parked, b.slot) // both are there
	}
}

// put makes slot a descriptor of what fd is one of.
func put(fd, slot int) bool {
	_, _, errno := syscall.RawSyscall(unix.SYS_DUP3, uintptr(fd), uintptr(slot), unix.O_CLOEXEC)
	return errno == 0
}
