package spawn

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// birth is one fork: everything that the child does until it is its program, laid out in advance, because a child has
// neither heap nor stack nor scheduler. Births are used again and again, so that a fork allocates nothing.
type birth struct {
	failed *failure
	copied bool // the child is a copy of the daemon, as on processors that fork has no assembly for
	slot   int  // a low descriptor number of its own; -1: it has none
	narrow bool // the connection is in the slot, and the child gets no more of the daemon's table than the slots

	steps []step
	names []string // of the steps, for Error

	clone  cloneArgs
	pidfd  int32
	busy   int32  // cleared by the kernel when the child execs or exits, which has it (CLONE_CHILD_CLEARTID)
	text   []byte // strings for the kernel, each with its NUL
	words  []uintptr
	groups []uint32
	limits [len(resources)]unix.Rlimit
	nofile unix.Rlimit
	clock  unix.Timespec // CLOCK_MONOTONIC when the child called exec; a copy of the daemon notes it for itself alone
}

// step is one system call. The birth keeps what its arguments point to.
type step struct {
	nr   uintptr
	args [4]uintptr
}

// failure is where a child notes which step failed and why; errno stays 0 if none did.
type failure struct{ step, errno uintptr }

// cloneArgs is clone3(2)'s struct clone_args as of Linux 5.3.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

// nursery holds the births that are not under way: as many forks can be at once.
type nursery struct {
	births   chan *birth
	spare    *birth // for killGroup, under the Starter's mutex
	slots    slots
	failures []byte // memory that even a copy of the daemon shares with it
}

func newNursery(n int) (nursery, error) {
	size := int(unsafe.Sizeof(failure{}))
	shared, err := unix.Mmap(-1, 0, (n+1)*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return nursery{slots: slots{parked: -1}}, os.NewSyscallError("mmap", err)
	}
	one := func(i int) *birth {
		return &birth{failed: (*failure)(unsafe.Pointer(&shared[i*size])), copied: alwaysCopied, slot: -1}
	}
	all := make([]*birth, n)
	for i := range all {
		all[i] = one(i)
	}
	nursery := nursery{births: make(chan *birth, n), spare: one(n), slots: newSlots(all), failures: shared}
	for _, b := range all {
		nursery.births <- b
	}
	return nursery, nil
}

// close must not be called while a fork is under way.
func (n *nursery) close() {
	for range cap(n.births) {
		n.slots.release(<-n.births)
	}
	n.slots.close()
	_ = unix.Munmap(n.failures)
}

// do adds a step that Error will call name.
func (b *birth) do(name string, nr uintptr, args ...uintptr) {
	s := step{nr: nr}
	copy(s.args[:], args)
	b.steps, b.names = append(b.steps, s), append(b.names, name)
}

// add copies s for the kernel, and returns where to find it: an offset, since text may still move.
func (b *birth) add(s string) (offset uintptr) {
	offset = uintptr(len(b.text))
	b.text = append(append(b.text, s...), 0)
	return offset
}

// at is the address of what add returned an offset of, when nothing more will be added.
func (b *birth) at(offset uintptr) uintptr {
	return uintptr(unsafe.Pointer(&b.text[0])) + offset
}
