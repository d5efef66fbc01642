package superd

import (
	"errors"
	"io/fs"
	"os"

	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/event"
)

// desk is where the daemon's control socket stands. It belongs to the supervisor's goroutine; the zero value has none.
type desk struct {
	server   *control.Server
	listener *control.Listener
	wanted   config.Control // what listener was made for
}

// open makes the control socket what c says. A daemon without one serves all the same, so that what goes wrong is said and
// no more; an ordinary user whose folders are not there did not ask for one, and is told nothing.
func (k *desk) open(c config.Control, o operator) {
	if k.server != nil && c == k.wanted && (k.listener != nil || c.Path == control.None) {
		return
	}
	if k.server == nil {
		k.server = control.NewServer(o)
	}
	access := control.Access{Mode: fs.FileMode(c.Mode), Gid: c.Gid}
	if k.listener != nil && c.Path == k.wanted.Path {
		k.wanted = c
		if err := k.listener.Retune(access); err != nil {
			o.host.say(event.Warn("", err.Error()))
		}
		return
	}
	next, err := listen(c.Path, access)
	if err != nil {
		o.host.say(event.Warn("", err.Error()))
		return // with the socket it has, if any; the next reload tries again
	}
	if k.listener != nil {
		_ = k.listener.Close()
	}
	k.wanted, k.listener = c, next
	if next != nil {
		go k.server.Serve(next)
	}
}

// listen opens the socket at path, or at the first of the usual places where that can be done. It returns nil without an error
// where none is wanted.
func listen(path string, a control.Access) (*control.Listener, error) {
	switch path {
	case control.None:
		return nil, nil
	case "":
		return listenAnywhere(control.DefaultPaths(), a)
	}
	return control.Listen(path, a)
}

func listenAnywhere(paths []string, a control.Access) (l *control.Listener, err error) {
	for _, path := range paths {
		if l, err = control.Listen(path, a); err == nil {
			return l, nil
		}
	}
	if os.Geteuid() != 0 && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)) {
		return nil, nil
	}
	return nil, err
}

func (k *desk) clients() int {
	if k.server == nil {
		return 0
	}
	return k.server.Clients()
}

// close ends all that clients do.
func (k *desk) close() {
	if k.listener != nil {
		_ = k.listener.Close()
	}
	if k.server != nil {
		k.server.Close()
	}
}

// openDesk makes the control socket what the running configuration, or the command line, says.
func (d *loop) openDesk() {
	c := d.running.Daemon.Control
	if d.options.Control != "" {
		c.Path = d.options.Control
	}
	d.desk.open(c, operator{d})
}

// closeDesk ends what the control socket's clients do, and what they wait for.
func (d *loop) closeDesk() {
	close(d.over)
	d.desk.close()
}
