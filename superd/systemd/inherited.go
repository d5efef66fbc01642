package systemd

import (
	"fmt"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// Descriptor is one that was handed in.
type Descriptor struct {
	FD   int    // close-on-exec; the caller closes it
	Name string // FDNAME: what Store was told, or FileDescriptorName= of a socket unit
}

// Inherited are the descriptors that this process was started with on purpose: the manager's store and socket units
// (LISTEN_FDS, for this process by LISTEN_PID). The second call finds none, nor does any child.
func Inherited() ([]Descriptor, error) {
	var all []Descriptor
	for _, f := range activation.Files(true) {
		// A File may close its descriptor whenever the garbage collector comes by: a duplicate is ours.
		conn, err := f.SyscallConn()
		if err != nil {
			return all, fmt.Errorf("descriptor %s: %w", f.Name(), err)
		}
		fd, failure := -1, error(nil)
		err = conn.Control(func(own uintptr) { fd, failure = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 3) })
		name := f.Name()
		_ = f.Close()
		if err == nil {
			err = failure
		}
		if err != nil {
			return all, fmt.Errorf("descriptor %s: %w", name, err)
		}
		all = append(all, Descriptor{fd, name})
	}
	return all, nil
}
