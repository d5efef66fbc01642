package superd

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"superd/superd/config"
	"superd/superd/socket"
	"superd/superd/systemd"
)

// store keeps a duplicate of every listening socket with the service manager, which hands them to the next superd: a
// crash, a kill or a restart closes no port, and clients wait in the backlog meanwhile. Without a manager
// it does nothing. Safe for concurrent use.
type store struct {
	manager *systemd.Manager
	warn    func(error)

	mu      sync.Mutex
	names   map[*socket.Socket]string // what the manager keeps, by socket; "": it is a socket unit's
	count   int
	removed bool // and nobody has waited until the manager has closed it
}

// storePrefix is how a name begins that superd has given; sockets with other names belong to socket units.
const storePrefix = "superd."

func ownName(name string) bool { return strings.HasPrefix(name, storePrefix) }

func newStore(m *systemd.Manager, warn func(error)) *store {
	return &store{manager: m, warn: warn, names: map[*socket.Socket]string{}}
}

// keep gives the sockets to the manager that it does not have yet. A port that the kernel chose is of no use to the next daemon.
func (st *store) keep(sockets ...*socket.Socket) {
	if !st.manager.There() {
		return
	}
	for _, sock := range sockets {
		if name := st.christen(sock); name != "" {
			if err := sock.Share(func(fd int) error { return st.manager.Store(name, fd) }); err != nil {
				st.warn(err)
			}
		}
	}
}

// christen returns a new name; "" for a socket that has one or needs none.
func (st *store) christen(sock *socket.Socket) string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, known := st.names[sock]; known || sock.Endpoint().Addr.Port() == 0 {
		return ""
	}
	st.count++
	st.names[sock] = storeName(sock.Endpoint(), st.count)
	return st.names[sock]
}

// storeName is for administrators who list the store. The number makes it the name of one socket only, since two with one
// address may be there for a moment: one that drains, and its successor.
func storeName(e config.Endpoint, n int) string {
	plain := strings.NewReplacer(":", "_", " ", ".", "[", "", "]", "", "%", ".")
	return fmt.Sprintf("%s%s.%d.%d", storePrefix, plain.Replace(e.String()), os.Getpid(), n)
}

// adopted notes a socket that was handed in. One of a socket unit is the unit's.
func (st *store) adopted(sock *socket.Socket, name string) {
	if !ownName(name) {
		name = ""
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.names[sock] = name
}

// forget makes the manager close its duplicate of a socket that nobody wants any more, which otherwise goes on listening.
func (st *store) forget(sock *socket.Socket) {
	st.mu.Lock()
	name := st.names[sock]
	delete(st.names, sock)
	st.mu.Unlock()
	st.remove(name)
}

// remove does nothing for a name that is not superd's.
func (st *store) remove(name string) {
	if !st.manager.There() || !ownName(name) {
		return
	}
	if err := st.manager.Remove(name); err != nil {
		st.warn(err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.removed = true
}

// barrierTime is how long the manager may take to close what it was told to.
const barrierTime = time.Second

// settle waits until what was forgotten is closed, so that its address can be used again.
func (st *store) settle() {
	st.mu.Lock()
	removed := st.removed
	st.removed = false
	st.mu.Unlock()
	if !removed {
		return
	}
	if err := st.manager.Barrier(barrierTime); err != nil {
		st.warn(err)
	}
}
