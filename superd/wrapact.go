package superd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/libwrap"
	"superd/superd/socket"
	"superd/superd/spawn"
)

// What the rules of hosts.allow and hosts.deny have done.
//
// spawn, aclexec and twist are commands for /bin/sh by their definition, written by whoever may write the tables; what a
// stranger can add to them is cleaned of all that means something to a shell. They run as the service's program
// would: with its user and groups, root directory, umask, nice value, limits and environment, and no descriptor but their own.
// Those of a service without a program, which a superd that is root answers itself, run as nobody.

const (
	commandLimit = 64              // that run at once; further ones are skipped
	commandTime  = time.Minute     // then they get TERM, and KILL
	commandGrace = 2 * time.Second // between the two
	bannerLimit  = 16 << 10        // bytes of a banner's file
	shell        = "/bin/sh"
)

// nobodys is whom commands run as for a service that has no user.
func nobodys() *config.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	c := &config.Credential{Uid: 65534, Gid: 65534}
	if u, err := user.Lookup("nobody"); err == nil {
		if uid, gid, err := numbers(u); err == nil && uid != 0 {
			c.Uid, c.Gid = uid, gid
		}
	}
	return c
}

func numbers(u *user.User) (uid, gid uint32, err error) {
	n, err1 := strconv.ParseUint(u.Uid, 10, 32)
	m, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(n), uint32(m), errors.Join(err1, err2)
}

// program is what the connection's program is like, for a command in its place.
func (c *conn) program() *config.Program {
	p := *c.programNow()
	if p.Path == "" { // a builtin
		p.Path, p.Umask, p.Env = shell, 0o022, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
		if p.Credential == nil {
			p.Credential = c.host.wraps.nobody
		}
	}
	return &p
}

// programNow is the service's, or as the tables have changed it for this connection.
func (c *conn) programNow() *config.Program {
	if c.altered != nil {
		return c.altered
	}
	return &c.set.Program
}

// alter is programNow for who changes it.
func (c *conn) alter() *config.Program {
	if c.altered == nil {
		c.altered = c.program()
	}
	return c.altered
}

// effect does what o wants done, and returns why the connection cannot go on, "" if it can.
func (q *inquiry) effect(o libwrap.Outcome) string {
	for _, a := range o.Actions {
		if why := q.act(a); why != "" {
			return why
		}
	}
	if o.Verdict != libwrap.Twist {
		return ""
	}
	if q.mode == answerDgram {
		return "a datagram that superd answers itself cannot be twisted"
	}
	p := q.alter()
	p.Path, p.Args = shell, []string{"sh", "-c", o.Command}
	q.twisted = true
	return ""
}

func (q *inquiry) act(a libwrap.Action) string {
	switch a.Kind {
	case libwrap.Spawn:
		q.run(q.program(), a.Text)
	case libwrap.Setenv:
		return q.setenv(a.Name, a.Text)
	case libwrap.Severity:
		q.severity = event.NewSeverity(a.Name, a.Text)
	case libwrap.Umask:
		q.alter().Umask = a.N
	case libwrap.Nice:
		q.alter().Nice += a.N
	case libwrap.User:
		return reason(q.become(a.Name, a.Text))
	case libwrap.Group:
		return reason(q.join(a.Name))
	case libwrap.KeepAlive:
		if q.fd >= 0 {
			_ = unix.SetsockoptInt(q.fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1) // fails for what has no connection
		}
	case libwrap.Linger:
		if q.fd >= 0 {
			l := unix.Linger{Linger: int32(a.N)}
			if a.N > 0 {
				l.Onoff = 1
			}
			_ = unix.SetsockoptLinger(q.fd, unix.SOL_SOCKET, unix.SO_LINGER, &l)
		}
	case libwrap.Banners:
		if text := q.banners[a.Text]; text != "" && q.fd >= 0 && q.set.SocketType == config.Stream {
			socket.SendNow(q.fd, []byte(text))
		}
	}
	return ""
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// setenv replaces a variable of the program, but none of those that tell it about its connection.
func (q *inquiry) setenv(name, value string) string {
	if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
		return "setenv: bad name"
	}
	for _, v := range spawn.ConnEnv("", q.protocol(), q.peer, q.local) {
		if strings.HasPrefix(v, name+"=") {
			return ""
		}
	}
	p := q.alter()
	p.Env = slices.DeleteFunc(slices.Clone(p.Env), func(v string) bool { return strings.HasPrefix(v, name+"=") })
	p.Env = append(p.Env, name+"="+value)
	return ""
}

// become makes the program another user's. Only what would run as root can.
func (q *inquiry) become(name, group string) error {
	credential, err := q.mayChange()
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	c := *credential
	var gid uint32
	if c.Uid, gid, err = numbers(u); err != nil {
		return fmt.Errorf("user %s: %w", name, err)
	}
	if group == "" {
		c.Gid, c.Groups = gid, memberships(u)
	}
	q.alter().Credential = &c
	if group != "" {
		return q.joinAs(&c, group)
	}
	return nil
}

// join makes the program's group another, and leaves it no supplementary ones.
func (q *inquiry) join(group string) error {
	credential, err := q.mayChange()
	if err != nil {
		return fmt.Errorf("group %s: %w", group, err)
	}
	c := *credential
	return q.joinAs(&c, group)
}

func (q *inquiry) joinAs(c *config.Credential, group string) error {
	g, err := user.LookupGroup(group)
	if err != nil {
		return fmt.Errorf("group %s: %w", group, err)
	}
	n, err := strconv.ParseUint(g.Gid, 10, 32)
	if err != nil {
		return fmt.Errorf("group %s: %w", group, err)
	}
	c.Gid, c.Groups = uint32(n), nil
	q.alter().Credential = c
	return nil
}

// mayChange is the credential to change.
func (q *inquiry) mayChange() (*config.Credential, error) {
	c := q.programNow().Credential
	switch {
	case os.Geteuid() != 0:
		return nil, errors.New("superd is not root")
	case c == nil:
		return &config.Credential{}, nil
	case c.Uid != 0:
		return nil, errors.New("the service does not run as root")
	}
	return c, nil
}

func memberships(u *user.User) []uint32 {
	ids, _ := u.GroupIds() // unknown: none
	var groups []uint32
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			groups = append(groups, uint32(n))
		}
	}
	return groups
}

// prepareBanners reads and expands the banners of a decision that are not there yet.
func (q *inquiry) prepareBanners(o libwrap.Outcome) libwrap.Need {
	for _, a := range o.Actions {
		if a.Kind != libwrap.Banners {
			continue
		}
		if _, done := q.banners[a.Text]; done {
			continue
		}
		text, need := libwrap.Banner(readBanner(a.Text), &q.request)
		if need != (libwrap.Need{}) {
			return need
		}
		if q.banners == nil {
			q.banners = map[string]string{}
		}
		q.banners[a.Text] = text
	}
	return libwrap.Need{}
}

// readBanner reads a file for a client: none, or no file, is no banner.
func readBanner(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(f, bannerLimit))
	return string(text)
}

// run runs a command and waits until it has ended; true if it has ended with status 0. Its descriptors are /dev/null.
func (q *inquiry) run(like *config.Program, command string) bool {
	select {
	case q.host.wraps.commands <- struct{}{}:
		defer func() { <-q.host.wraps.commands }()
	default:
		q.skipped(fmt.Sprintf("%d commands of hosts.allow and hosts.deny run already: %q is skipped", commandLimit, command))
		return false
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		q.skipped(fmt.Sprintf("%q is skipped: %v", command, err))
		return false
	}
	defer unix.Close(null)
	like.Path, like.Args = shell, []string{"sh", "-c", command}
	pid, ended := 0, make(chan spawn.Exit, 1)
	err = q.host.starter.Start(&spawn.Command{
		Program: like, Fd: null,
		Env:     spawn.ConnEnv(q.svc.id, q.protocol(), q.peer, q.local),
		Started: func(p int, _ time.Time) { pid = p },
		Exited:  func(e spawn.Exit) { ended <- e },
	})
	if err != nil {
		q.skipped(fmt.Sprintf("%q is skipped: %v", command, err))
		return false
	}
	return q.awaitEnd(pid, ended)
}

// awaitEnd waits for a command, and ends it when it takes too long.
func (q *inquiry) awaitEnd(pid int, ended <-chan spawn.Exit) bool {
	late := time.NewTimer(commandTime)
	defer late.Stop()
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case e := <-ended:
			return e.Code == 0 && e.Signal == 0
		case <-late.C:
			q.host.starter.Signal(pid, signal)
			late.Reset(commandGrace)
		}
	}
	<-ended
	return false
}

func (q *inquiry) skipped(why string) {
	if q.host.wraps.warned.now(time.Now()) {
		q.host.say(event.Warn(q.svc.id, why))
	}
}
