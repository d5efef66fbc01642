package event

import "time"

// Ready says that the daemon serves.
func Ready(services, sockets int) Event {
	e := Event{kind: kindReady}
	e.num(keyServices, int64(services))
	e.num(keySockets, int64(sockets))
	return e
}

// Reload says that a new configuration is in force, and how many services it opened, kept, retuned and retired.
func Reload(opened, kept, retuned, retired int) Event {
	e := Event{kind: kindReload}
	e.num(keyOpened, int64(opened))
	e.num(keyKept, int64(kept))
	e.num(keyRetuned, int64(retuned))
	e.num(keyRetired, int64(retired))
	return e
}

// ReloadFailed says why the running configuration stays.
func ReloadFailed(err error) Event {
	e := Event{kind: kindReloadFailed}
	e.err(err)
	return e
}

// Control says who had the daemon do something; service is "" if it is about none.
func Control(action, service string, uid uint32, pid int) Event {
	e := Event{kind: kindControl}
	e.str(keyService, service)
	e.str(keyAction, action)
	e.num(keyUID, int64(uid))
	e.num(keyBy, int64(pid))
	return e
}

// Dumped says where the state of the daemon was written to, or why it was not.
func Dumped(file string, err error) Event {
	e := Event{kind: kindDump}
	e.str(keyFile, file)
	e.err(err)
	return e
}

// Plan says what a reload would do.
func Plan(changes string) Event {
	e := Event{kind: kindPlan}
	e.str(keyChanges, changes)
	return e
}

// ConfigError is one error of a configuration: where it is, what is wrong, and the lines that explain it
// (excerpt, caret, remedy), which may be none.
func ConfigError(at, summary, text string) Event {
	return problem(kindConfigError, at, summary, text)
}

// ConfigWarning is one warning of a configuration; its arguments are ConfigError's.
func ConfigWarning(at, summary, text string) Event {
	return problem(kindConfigWarning, at, summary, text)
}

func problem(k kind, at, summary, text string) Event {
	e := Event{kind: k}
	e.str(keyAt, at)
	e.str(keySummary, summary)
	e.body(text)
	return e
}

// BindFailed says that a service's socket could not be opened; retry is 0 if it will not be tried again.
func BindFailed(service, endpoint string, err error, retry time.Duration) Event {
	e := Event{kind: kindBindFailed}
	e.str(keyService, service)
	e.str(keyEndpoint, endpoint)
	e.err(err)
	e.retry(retry)
	return e
}

// Bound says that a socket is open that was in a BindFailed before.
func Bound(service, endpoint string) Event {
	e := Event{kind: kindBound}
	e.str(keyService, service)
	e.str(keyEndpoint, endpoint)
	return e
}

// Registered says that rpcbind knows a service's program: "100002 versions 2-3 udp 0.0.0.0:832".
func Registered(service, endpoint string) Event {
	e := about(kindRegistered, service)
	e.str(keyEndpoint, endpoint)
	return e
}

// RegisterFailed says that rpcbind does not know a program, or, without a service, that it is not to be reached; retry is 0
// if it is tried again with all others.
func RegisterFailed(service, endpoint string, err error, retry time.Duration) Event {
	e := about(kindRegisterFailed, service)
	e.str(keyEndpoint, endpoint)
	e.err(err)
	e.retry(retry)
	return e
}

// Withdrawn says that rpcbind has forgotten a service's program.
func Withdrawn(service, endpoint string) Event {
	e := about(kindWithdrawn, service)
	e.str(keyEndpoint, endpoint)
	return e
}

// Pause says that a service stops accepting for d, and why.
func Pause(service, reason string, d time.Duration) Event {
	return waiting(kindPause, service, reason, d)
}

// Resume says that a service accepts again after a Pause.
func Resume(service string) Event { return about(kindResume, service) }

// Backoff says that a wait service's program has left its input behind, and is started again after d.
func Backoff(service, reason string, d time.Duration) Event {
	return waiting(kindBackoff, service, reason, d)
}

// Exhausted says that descriptors, processes or memory have run out, so that a service's accepting waits.
func Exhausted(service string, err error) Event {
	e := about(kindExhausted, service)
	e.err(err)
	return e
}

// Recovered says that what an Exhausted was about is there again.
func Recovered(service string) Event { return about(kindRecovered, service) }

// Ban says that a sensor, a service's id, keeps a source out for d; for ever if d is negative.
func Ban(sensor, source string, d time.Duration, hits int) Event {
	e := about(kindBan, sensor)
	e.str(keySource, source)
	e.retry(d)
	e.num(keyHits, int64(hits))
	return e
}

// Unban says that an operator has lifted so many bans: of a source, or of "all".
func Unban(source string, bans int) Event {
	e := Event{kind: kindUnban}
	e.str(keySource, source)
	e.num(keyBans, int64(bans))
	return e
}

// Stopping says why the daemon ends ("SIGTERM"), and how many connections it has to end first.
func Stopping(reason string, connections int) Event {
	e := Event{kind: kindStopping}
	e.str(keyReason, reason)
	e.num(keyConnections, int64(connections))
	return e
}

// Stopped is the daemon's last event.
func Stopped() Event { return Event{kind: kindStopped} }

// Warn tells the administrator anything that has no event of its own; service is "" if it is about the daemon.
func Warn(service, reason string) Event {
	e := about(kindWarning, service)
	e.str(keyReason, reason)
	return e
}

func about(k kind, service string) Event {
	e := Event{kind: k}
	e.str(keyService, service)
	return e
}

func waiting(k kind, service, reason string, d time.Duration) Event {
	e := about(k, service)
	e.str(keyReason, reason)
	e.retry(d)
	return e
}

func (e *Event) retry(d time.Duration) {
	if d > 0 {
		e.duration(keyRetry, d)
	}
}

// The rest is what the sinks say themselves.

func lostEvent(count int) Event {
	e := Event{kind: kindLost}
	e.num(keyCount, int64(count))
	return e
}

func logFailedEvent(log string, err error) Event {
	e := Event{kind: kindLogFailed}
	e.str(keyLog, log)
	e.err(err)
	return e
}

func logRecoveredEvent(log string, count int) Event {
	e := Event{kind: kindLogRecovered}
	e.str(keyLog, log)
	e.num(keyCount, int64(count))
	return e
}

func logLargeEvent(log string, size, limit int64) Event {
	e := Event{kind: kindLogLarge}
	e.str(keyLog, log)
	e.num(keySize, size)
	e.num(keyLimit, limit)
	return e
}
