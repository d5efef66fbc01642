package event

import (
	"net/netip"
	"time"

	"superd/superd/config"
)

// Start is the admission of a connection. Peer and Local are left out of the log when they are not valid.
type Start struct {
	Service string // id
	ConnID  uint64
	Pid     int // 0: a builtin, which has no process
	Peer    netip.AddrPort
	Local   netip.AddrPort
	Context string // the program's, of SELinux; "": superd has not chosen it

	Severity Severity
}

// Exit is the end of a connection that had a Start.
type Exit struct {
	Start
	Code         int
	Signal       int // 0: the program ended by itself, with Code
	Duration     time.Duration
	Traffic      *Traffic      // nil: not known
	User, System time.Duration // processor time of a program
	MaxRSS       int64         // bytes; of a program
}

// Traffic is the bytes of a connection, from the peer and to it.
type Traffic struct{ In, Out uint64 }

// UserID is what an ident server has said about a connection (RFC 1413): the rest of its answer behind "USERID :".
type UserID struct {
	Service string
	ConnID  uint64
	Text    string
}

// Refuse is a connection that got no Start.
type Refuse struct {
	Service string
	ConnID  uint64
	Peer    netip.AddrPort
	Local   netip.AddrPort
	Verdict string
	Detail  string

	Severity Severity
}

// event is what the flags of log_on_success let through; the zero Event if that is nothing.
func (c *Start) event(flags config.LogFlags) (e Event) {
	if flags == 0 {
		return
	}
	e.kind, e.flags, e.process, e.severity = kindStart, flags, c.Pid != 0, c.Severity
	c.subject(&e, flags)
	c.hosts(&e, flags)
	if c.Context != "" {
		e.str(keyContext, c.Context)
	}
	return
}

func (c *Start) subject(e *Event, flags config.LogFlags) {
	e.str(keyService, c.Service)
	e.num(keyConn, int64(c.ConnID))
	if flags&config.LogPID != 0 && c.Pid != 0 {
		e.num(keyPid, int64(c.Pid))
	}
}

func (c *Start) hosts(e *Event, flags config.LogFlags) {
	if flags&config.LogHost != 0 {
		e.endpoint(keyFrom, keyPort, c.Peer)
		e.endpoint(keyTo, keyToPort, c.Local)
	}
}

// event is written with EXIT, DURATION or TRAFFIC only, as in xinetd.
func (c *Exit) event(flags config.LogFlags) (e Event) {
	if flags&(config.LogExit|config.LogDuration|config.LogTraffic) == 0 {
		return
	}
	e.kind, e.flags, e.process, e.severity = kindExit, flags, c.Pid != 0, c.Severity
	c.subject(&e, flags)
	if flags&config.LogExit != 0 {
		if c.Signal != 0 {
			e.num(keySignal, int64(c.Signal))
		} else {
			e.num(keyStatus, int64(c.Code))
		}
	}
	c.hosts(&e, flags)
	e.str(keyVerdict, "ok")
	if flags&config.LogDuration != 0 {
		e.duration(keyDuration, c.Duration)
	}
	if flags&config.LogTraffic != 0 && c.Traffic != nil {
		e.num(keyIn, int64(c.Traffic.In))
		e.num(keyOut, int64(c.Traffic.Out))
	}
	if flags&config.LogDuration != 0 && c.Pid != 0 {
		e.duration(keyUser, c.User)
		e.duration(keySystem, c.System)
	}
	if flags&config.LogExit != 0 && c.Pid != 0 {
		e.num(keyMaxRSS, c.MaxRSS)
	}
	return
}

// event is written with any flag of log_on_failure; ATTEMPT is the one that adds nothing else.
func (c *Refuse) event(flags config.LogFlags) (e Event) {
	if flags == 0 {
		return
	}
	e.kind, e.flags, e.severity = kindRefuse, flags, c.Severity
	e.str(keyService, c.Service)
	e.num(keyConn, int64(c.ConnID))
	e.str(keyVerdict, c.Verdict)
	e.str(keyDetail, c.Detail)
	if flags&config.LogHost != 0 {
		e.endpoint(keyFrom, keyPort, c.Peer)
		e.endpoint(keyTo, keyToPort, c.Local)
	}
	return
}

// event is written with the flag USERID only.
func (c *UserID) event(flags config.LogFlags) (e Event) {
	if flags&config.LogUserID == 0 {
		return
	}
	e.kind, e.flags = kindUserID, flags
	e.str(keyService, c.Service)
	e.num(keyConn, int64(c.ConnID))
	e.str(keyUserID, c.Text)
	return
}
