package superd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"superd/superd/control"
	"superd/superd/event"
	"superd/superd/socket"
)

// Dump gathers everything that helps with a bug report. Of env the names are in it, never the values.
func (o operator) Dump(ctx context.Context) (*control.Dump, error) {
	s, err := o.Status(ctx, nil, true)
	if err != nil {
		return nil, err
	}
	var files []string
	if err := o.ask(ctx, func() { files = o.running.Files }); err != nil {
		return nil, err
	}
	return o.dump(s, files), nil
}

func (d *loop) dump(s *control.Status, files []string) *control.Dump {
	dump := &control.Dump{Status: *s, Go: runtime.Version(), System: system(), Files: files, Events: recent(&d.host.feed)}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			dump.Settings = append(dump.Settings, setting.Key+"="+setting.Value)
		}
	}
	var stacks bytes.Buffer
	_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1) // a Buffer takes everything
	dump.Stacks = stacks.String()
	return dump
}

func system() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return runtime.GOOS + "/" + runtime.GOARCH
	}
	return fmt.Sprintf("%s %s %s", unix.ByteSliceToString(u.Sysname[:]), unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:]))
}

// dumpToFile is what SIGUSR1 asks for. The file is the daemon's user's alone, and stands beside the control socket, where it takes the place
// of the last one; without that socket it is a new one among the temporary files.
func (d *loop) dumpToFile() {
	path, err := d.writeDump()
	d.host.say(event.Dumped(path, err))
}

func (d *loop) writeDump() (string, error) {
	s, err := d.status(nil, true)
	if err != nil {
		return "", err
	}
	s.Resources = d.resources()
	for i := range s.Services {
		measure(&s.Services[i])
	}
	text, err := json.MarshalIndent(d.dump(s, d.running.Files), "", "  ")
	if err != nil {
		return "", err
	}
	folder, final := os.TempDir(), ""
	if d.desk.listener != nil {
		folder = filepath.Dir(d.desk.listener.Path())
		final = filepath.Join(folder, "dump.json")
	}
	f, err := os.CreateTemp(folder, "superd-dump-*.json") // mode 0600, and no file that was there
	if err != nil {
		return "", err
	}
	_, err = f.Write(append(text, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil && final != "" {
		err = os.Rename(f.Name(), final)
	}
	switch {
	case err != nil:
		_ = os.Remove(f.Name())
		return "", err
	case final != "":
		return final, nil
	}
	return f.Name(), nil
}

// resources are what the daemon uses now.
func (d *loop) resources() *control.Resources {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	var limit unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) // fails for no process
	open, _ := os.ReadDir("/proc/self/fd")
	return &control.Resources{
		Descriptors: len(open), MaxDescriptors: limit.Cur, Goroutines: runtime.NumGoroutine(), Heap: memory.HeapAlloc, Clients: d.desk.clients(),
	}
}

// measure adds what the kernel knows of connections.
func measure(v *control.Service) {
	d := v.Detail
	if d == nil || len(v.Endpoints) > 0 && strings.HasPrefix(v.Endpoints[0].Endpoint, "udp") {
		return
	}
	for i := range d.Connections {
		c := &d.Connections[i]
		if c.Pid != 0 {
			c.CPU = cpuOf(c.Pid)
		}
		// While the connection is there no other socket has its addresses, so no cookie is needed to tell them apart.
		unmapped := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
		if t, err := socket.LiveTraffic(unmapped(c.Local), unmapped(c.Peer), anyCookie); err == nil {
			c.In, c.Out = &t.In, &t.Out
		}
	}
}

const anyCookie = ^uint64(0) // INET_DIAG_NOCOOKIE

// clockTick is USER_HZ, in which proc(5) counts; it is 100 on every architecture that Linux has had since 2.6.
const clockTick = 100

// cpuOf is the processor time of a process and of its children that have ended, in seconds; nil if it is gone.
func cpuOf(pid int) *float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third on; the second may hold anything
	const utime, ticks = 14 - 3, 4
	if len(fields) < utime+ticks {
		return nil
	}
	sum := 0.0
	for _, f := range fields[utime : utime+ticks] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil
		}
		sum += n / clockTick
	}
	return &sum
}
