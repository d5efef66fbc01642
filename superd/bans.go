package superd

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
)

// banBook is the bans, and the file that keeps them while no daemon runs. The zero value keeps them in memory only. Safe for
// concurrent use.
type banBook struct {
	admit.Bans
	warn func(error)

	mu      sync.Mutex
	path    string        // "": there is no file
	changed chan struct{} // what is to be written; nil until there is something
	stop    chan struct{} // closed by close; made with changed
	closing bool
	written sync.WaitGroup
}

const (
	banFile     = "bans"
	banFileHead = "# superd: sources that sensors have caught: SOURCE UNTIL SINCE HITS SENSOR, times in seconds since 1970, 0 for ever"
	banFileMax  = 4 << 20     // bytes: a full list is less than half of it
	banPause    = time.Second // between two writes, so that a flood of catches does not become one of writes
)

// stateDir is the folder that the configuration means; "" if there is none.
func stateDir(configured string) string {
	inherited, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":")
	switch {
	case configured == "none":
		return ""
	case configured != "":
		return configured
	case filepath.IsAbs(inherited):
		return inherited
	case os.Geteuid() == 0:
		return "/var/lib/superd"
	}
	return ""
}

// keepIn makes dir the folder of the file, and takes up the bans that are in it. It touches nothing if dir stays.
func (b *banBook) keepIn(dir string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path := ""
	if dir != "" {
		path = filepath.Join(dir, banFile)
	}
	if path == b.path {
		return
	}
	b.path = path
	if path == "" {
		return
	}
	if err := b.readLocked(time.Now()); err != nil {
		b.warn(err)
	}
}

// readLocked restores what the file has. A line that is damaged costs its own ban only.
func (b *banBook) readLocked(now time.Time) error {
	f, err := os.Open(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("bans: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("bans: %s is no regular file", b.path)
	}
	damaged, taken := 0, 0
	lines := bufio.NewScanner(io.LimitReader(f, banFileMax))
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		ban, err := parseBan(line)
		if err != nil || taken == admit.BansMax { // no daemon writes more
			damaged++
			continue
		}
		taken++
		b.Restore(ban, now)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("bans: %s is damaged: %w", b.path, err)
	}
	if damaged > 0 {
		return fmt.Errorf("bans: %d lines of %s are damaged and left out", damaged, b.path)
	}
	return nil
}

var errBan = errors.New("no ban")

func parseBan(line string) (admit.Ban, error) {
	fields := strings.SplitN(line, " ", 5)
	if len(fields) != 5 {
		return admit.Ban{}, errBan
	}
	source, err1 := netip.ParsePrefix(fields[0])
	until, err2 := strconv.ParseInt(fields[1], 10, 64)
	since, err3 := strconv.ParseInt(fields[2], 10, 64)
	hits, err4 := strconv.Atoi(fields[3])
	if errors.Join(err1, err2, err3, err4) != nil || source != source.Masked() || source.Bits() == 0 || until < 0 || since < 0 || hits < 1 ||
		strings.ContainsFunc(fields[4], func(c rune) bool { return c <= ' ' }) {
		return admit.Ban{}, errBan
	}
	ban := admit.Ban{Source: source, Sensor: fields[4], Since: time.Unix(since, 0), Hits: hits}
	if until > 0 {
		ban.Until = time.Unix(until, 0)
	}
	return ban, nil
}

func formatBan(b *admit.Ban) string {
	until := int64(0)
	if !b.Until.IsZero() {
		until = b.Until.Unix() + 1 // a ban does not become shorter by being written
	}
	return fmt.Sprintf("%s %d %d %d %s\n", b.Source, until, b.Since.Unix(), b.Hits, b.Sensor)
}

// save has the bans written soon.
func (b *banBook) save() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path == "" || b.closing {
		return
	}
	if b.changed == nil {
		b.changed, b.stop = make(chan struct{}, 1), make(chan struct{})
		b.written.Go(b.keep)
	}
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

// keep writes the bans after each change, until the book is closed.
func (b *banBook) keep() {
	failing := false
	for range b.changed {
		err := b.write()
		if err != nil && !failing {
			b.warn(fmt.Errorf("bans are not kept: %w", err))
		}
		failing = err != nil
		select {
		case <-time.After(banPause):
		case <-b.stop:
		}
	}
}

// write puts the file in place in one step, so that it is whole whenever the machine stops.
func (b *banBook) write() error {
	b.mu.Lock()
	path := b.path
	b.mu.Unlock()
	if path == "" {
		return nil
	}
	var text bytes.Buffer
	fmt.Fprintln(&text, banFileHead)
	for _, ban := range b.List(time.Now()) {
		text.WriteString(formatBan(&ban))
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+banFile+"-") // 0600, and never one that is there
	if err != nil {
		return err
	}
	_, err = f.Write(text.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// close writes what has changed, and keeps nothing from then on.
func (b *banBook) close() {
	b.mu.Lock()
	b.closing = true
	changed := b.changed
	b.mu.Unlock()
	if changed == nil {
		return
	}
	close(changed)
	close(b.stop)
	b.written.Wait()
	if err := b.write(); err != nil {
		b.warn(fmt.Errorf("bans are not kept: %w", err))
	}
}

// banned returns the ban that keeps the connection's peer out. Sensors hear everybody.
func (c *conn) banned() (admit.Ban, bool) {
	if c.set.Sensor != nil {
		return admit.Ban{}, false
	}
	return c.host.bans.Find(c.peer.Addr(), time.Now())
}

// caught bans the peer, whom a sensor has admitted.
func (c *conn) caught() {
	d := c.set.Sensor.DenyTime
	if d == 0 || !c.guilty() {
		return
	}
	ban, fresh := c.host.bans.Add(c.svc.gate.Source(c.peer.Addr()), c.svc.id, d, time.Now())
	if fresh {
		c.host.say(event.Ban(c.svc.id, ban.Source.String(), d, ban.Hits))
	}
	c.host.bans.save()
}

// guilty reports whether the peer may be banned. The sender of a datagram can be forged, and this machine itself is the last
// that should be locked out: each is only by a word of only_from that names it.
func (c *conn) guilty() bool {
	addr := c.peer.Addr().Unmap()
	if !addr.IsValid() {
		return false
	}
	if c.set.SocketType != config.Dgram && !addr.IsLoopback() {
		return true
	}
	r := admit.Judge(c.set.Access, addr, nil)
	if !r.Found || r.Denies {
		return false
	}
	p := c.set.Access.OnlyFrom[r.Index].Prefix
	return p.IsValid() && p.Bits() > 0
}
