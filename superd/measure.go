package superd

import (
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"superd/services"
	"superd/superd/admit"
)

// host shows the daemon to its builtins metrics and status.
var _ services.Daemon = (*host)(nil)

// State is services.Daemon's. It takes the gates' locks one after the other, each for a moment.
func (h *host) State(most int) services.State {
	h.starter.Settle()
	now := time.Now()
	r, past := h.roster.Load(), h.history.read()
	s := services.State{
		Version: h.version, Now: now, Began: past.Began, Stopping: h.ending.Load(),
		Generation: past.Generation, Hash: r.config.Hash, Since: past.Since,
		ReloadsDone: past.Succeeded, ReloadsFailed: past.Failed,
		ReloadFailing: past.Failing, ReloadFailed: past.LastFailure, ReloadError: past.FailureError, ReloadTook: past.Took,
		Sockets: len(r.listeners), Programs: h.starter.Running(),
	}
	for _, n := range r.missing {
		s.Waiting += n
	}
	s.Files, s.FileLimit = descriptors()
	s.FilesReserved = h.starter.Reserved()
	s.CPU, s.Memory = consumption()
	ailing := r.ailing()
	s.Services = make([]services.ServiceState, min(most, len(r.services)))
	for i, svc := range r.services {
		if i < most {
			s.Services[i] = r.state(svc, now, ailing[svc])
			continue
		}
		one := r.state(svc, now, ailing[svc])
		s.Others.Add(&one)
		s.Omitted++
	}
	return s
}

// Service is services.Daemon's.
func (h *host) Service(id string) (services.ServiceState, bool) {
	r := h.roster.Load()
	for _, svc := range r.services {
		if svc.id == id {
			return r.state(svc, time.Now(), r.ailing()[svc]), true
		}
	}
	return services.ServiceState{}, false
}

func (r *roster) state(svc *service, now time.Time, ailing bool) services.ServiceState {
	set := svc.current.Load()
	counts, level := svc.gate.Counts(), svc.gate.Level(admit.Moment{Now: now})
	s := services.ServiceState{
		ID: svc.id, Kind: set.kind(),
		Running: counts.Running, Instances: set.Limits.Instances, Sources: counts.Sources, Held: counts.Held,
		Rate: set.Limits.CPS.Rate, Tokens: max(level.Tokens, 0), Paused: level.Paused,
		Suspended: svc.gate.Suspended(), BackingOff: ailing, Waiting: r.missing[svc.id],
	}
	svc.counted.Load().describe(&s)
	return s
}

// kind is how the service answers, in a few words.
func (s *settings) kind() string {
	switch {
	case s.Redirect != nil:
		return "redirect"
	case s.Builtin != "":
		return "builtin"
	case s.Wait:
		return "wait program"
	}
	return "program"
}

// describe adds what was counted. A nil tally has counted nothing.
func (t *tally) describe(s *services.ServiceState) {
	if t == nil {
		t = new(tally)
	}
	s.Accepted, s.Datagrams = t.accepted.Load(), t.datagrams.Load()
	for v := admit.OK + 1; v < admit.Verdicts; v++ {
		s.Refused = append(s.Refused, services.Count{Name: v.String(), N: t.refused[v].Load()})
	}
	s.Starts, s.Durations = t.starts.read(&startBounds), t.durations.read(&durationBounds)
	known, more := t.exits.read()
	for _, x := range known {
		s.Exits = append(s.Exits, services.ExitCount{Signal: signalName(x.signal), Code: x.code, N: x.count})
	}
	s.MoreExits = more
	s.In, s.Out = t.in.Load(), t.out.Load()
	s.User, s.System = time.Duration(t.user.Load()), time.Duration(t.system.Load())
	s.MaxRSS = t.maxRSS.Load()
}

// signalName is "SIGTERM", or "SIG34" for one without a name; "" for none.
func signalName(s syscall.Signal) string {
	if s == 0 {
		return ""
	}
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return "SIG" + strconv.Itoa(int(s))
}

func (h *histogram) read(bounds *[histogramBounds]time.Duration) services.Histogram {
	r := services.Histogram{Bounds: bounds[:], Counts: make([]uint64, len(h.counts)), Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		r.Counts[i] = h.counts[i].Load()
	}
	return r
}

// descriptors are those that the daemon has open, and may have.
func descriptors() (open, limit int) {
	var r unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &r) == nil {
		limit = int(min(r.Cur, math.MaxInt))
	}
	const folder = "/proc/self/fd"
	if info, err := os.Stat(folder); err == nil && info.Size() > 0 {
		return int(info.Size()), limit // since Linux 6.2
	}
	f, err := os.Open(folder)
	if err != nil {
		return 0, limit
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(1024)
		open += len(names)
		if err != nil {
			return open - 1, limit // without the one that looks
		}
	}
}

// consumption is the daemon's own processor time and resident memory.
func consumption() (cpu time.Duration, memory int64) {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil {
		cpu = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return cpu, 0
	}
	if words := strings.Fields(string(text)); len(words) > 1 {
		pages, _ := strconv.ParseInt(words[1], 10, 64)
		memory = pages * int64(os.Getpagesize())
	}
	return cpu, memory
}
