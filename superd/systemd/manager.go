package systemd

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// Manager is the service manager that started this process. A nil Manager, or the zero one, is none: telling it
// something does nothing and never fails. Its methods may be called concurrently.
type Manager struct {
	address string // of its notification socket; "" if there is none

	mu  sync.Mutex
	err error // the last send's
}

// New finds the manager by the environment, as sd_notify(3) does.
func New() *Manager { return &Manager{address: os.Getenv("NOTIFY_SOCKET")} }

// There reports whether there is a manager that listens.
func (m *Manager) There() bool { return m != nil && m.address != "" }

// The assignments of sd_notify(3) that superd uses.
const (
	Ready    = daemon.SdNotifyReady
	Stopping = daemon.SdNotifyStopping
	Watchdog = daemon.SdNotifyWatchdog
)

// Reloading says that a reload begins now; Ready says that it is over.
func Reloading() string {
	return daemon.SdNotifyReloading + "\n" + strings.TrimSpace(daemon.SdNotifyMonotonicUsec())
}

// Status is one line for people, as systemctl status shows it.
func Status(text string) string { return "STATUS=" + strings.ReplaceAll(text, "\n", " ") }

// ExtendTimeout asks for so much more time to start or stop.
func ExtendTimeout(d time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds())
}

// Tell sends assignments. An error is worth a line of log, and no more: the manager is not there any more, or hangs.
func (m *Manager) Tell(assignments ...string) error { return m.send(nil, assignments...) }

// Store gives the manager a duplicate of fd to keep under a name: the next process of this service is handed it, see
// Inherited. The name has at most 255 characters, none of them a colon. fd stays the caller's.
//
// The manager does not watch the descriptor (FDPOLL=0), which might take an error on it for its end.
func (m *Manager) Store(name string, fd int) error {
	return m.send([]int{fd}, "FDSTORE=1", "FDNAME="+name, "FDPOLL=0")
}

// Remove makes the manager close what it keeps under the name. When that has happened, Barrier tells.
func (m *Manager) Remove(name string) error { return m.send(nil, "FDSTOREREMOVE=1", "FDNAME="+name) }

// Barrier waits until the manager has dealt with all that it was sent before, for at most timeout (systemd 246).
func (m *Manager) Barrier(timeout time.Duration) error {
	if !m.There() {
		return nil
	}
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("notify: pipe: %w", err)
	}
	defer unix.Close(pipe[0])
	err := m.send([]int{pipe[1]}, "BARRIER=1")
	unix.Close(pipe[1])
	if err != nil {
		return err
	}
	// The manager closes its duplicate of the writing end.
	closed := []unix.PollFd{{Fd: int32(pipe[0])}}
	for deadline := time.Now().Add(timeout); ; {
		n, err := unix.Poll(closed, int(max(time.Until(deadline), 0)/time.Millisecond))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("notify: poll: %w", err)
		case n == 0:
			return fmt.Errorf("notify: the service manager does not answer")
		default:
			return nil
		}
	}
}

// sendTimeout is how long a manager that does not read may hold the daemon up.
var sendTimeout = unix.Timeval{Sec: 1}

// send is one datagram. It has a socket of its own: the messages are few, and a socket that is kept would notice
// the manager's restart only by an error.
func (m *Manager) send(fds []int, assignments ...string) error {
	if !m.There() {
		return nil
	}
	err := m.sendmsg(strings.Join(assignments, "\n"), fds)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.err = nil
		return nil
	}
	err = fmt.Errorf("notify %s: %w", m.address, err)
	if m.err != nil { // it has been said
		return nil
	}
	m.err = err
	return err
}

func (m *Manager) sendmsg(message string, fds []int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &sendTimeout); err != nil {
		return err
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	for {
		err := unix.Sendmsg(fd, []byte(message), rights, &unix.SockaddrUnix{Name: m.address}, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}

// WatchdogInterval is how often the manager wants to hear Watchdog; zero: never.
func WatchdogInterval() time.Duration {
	d, err := daemon.SdWatchdogEnabled(true)
	if err != nil {
		return 0 // a value that nobody set on purpose
	}
	return d
}
