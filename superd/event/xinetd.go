package event

import (
	"strconv"
	"strings"
	"time"

	"superd/superd/config"
)

// The lines of xinetd(8), as xinetd.log(5) and the program itself have them:
//
//	26/11/22@21:12:34: START: ftp pid=4242 from=192.0.2.7
//	26/11/22@21:12:36: TRAFFIC: ftp in=5(bytes) out=17(bytes)
//	26/11/22@21:12:36: EXIT: ftp status=0 pid=4242 duration=2(sec)
//	26/11/22@21:12:37: FAIL: ftp service_limit from=192.0.2.7
//	26/11/22@21:12:37: USERID: ftp UNIX : alice
//	26/11/22@21:12:37: NOID: ftp 192.0.2.7 no server
//	26/11/22@21:12:38 xinetd[99]: NOTICE: Started working: 10 available services
//
// The last is what a daemon says about itself. What has no counterpart in xinetd stands there as in the text format.

// appendXinetd appends no line, one, or two (TRAFFIC and EXIT).
func (f *format) appendXinetd(b []byte, e *Event, now time.Time) []byte {
	switch e.kind {
	case kindStart:
		b = f.beginXinetd(b, "START: ", e, now)
		return append(e.xinetdHost(e.xinetdPid(b)), '\n')
	case kindExit:
		return f.appendXinetdExit(b, e, now)
	case kindRefuse:
		if e.word(keyVerdict) == "ident" {
			b = f.beginXinetd(b, "NOID: ", e, now)
			b = append(e.xinetdAddress(append(b, ' ')), ' ')
			return append(append(b, noIDReason(e.word(keyDetail))...), '\n')
		}
		b = f.beginXinetd(b, "FAIL: ", e, now)
		b = append(b, ' ')
		b = append(b, xinetdReason(e.word(keyVerdict))...)
		return append(e.xinetdHost(b), '\n')
	case kindUserID:
		b = f.beginXinetd(b, "USERID: ", e, now)
		return append(appendPrintable(append(b, ' '), e.word(keyUserID)), '\n')
	}
	b = f.appendXinetdHead(b, e, now)
	if f.head == headXinetd { // the time of a service's line ends in a colon, the daemon's in its name
		b = append(b[:len(b)-len(": ")], " xinetd["...)
		b = strconv.AppendInt(b, int64(f.pid), 10)
		b = append(b, "]: "...)
	}
	level := kinds[e.kind].level
	if e.kind == kindPause || e.kind == kindResume {
		level = Error // to xinetd they are
	}
	b = append(b, [...]string{"NOTICE: ", "NOTICE: ", "WARNING: ", "ERROR: "}[level]...)
	return f.appendBody(append(appendXinetdNews(b, e), '\n'), e, now)
}

// appendXinetdExit has no EXIT for a connection without a process, which xinetd does not log either.
func (f *format) appendXinetdExit(b []byte, e *Event, now time.Time) []byte {
	if in := e.field(keyIn); in != nil {
		b = f.beginXinetd(b, "TRAFFIC: ", e, now)
		b = append(b, " in="...)
		b = strconv.AppendInt(b, in.num, 10)
		b = append(b, "(bytes) out="...)
		b = strconv.AppendInt(b, e.number(keyOut), 10)
		b = append(b, "(bytes)\n"...)
	}
	if e.flags&(config.LogExit|config.LogDuration) == 0 || !e.process {
		return b
	}
	b = f.beginXinetd(b, "EXIT: ", e, now)
	for _, k := range [...]key{keyStatus, keySignal} {
		if v := e.field(k); v != nil {
			b = append(b, ' ')
			b = append(b, keys[k].Name...)
			b = append(b, '=')
			b = strconv.AppendInt(b, v.num, 10)
		}
	}
	b = e.xinetdPid(b)
	if d := e.field(keyDuration); d != nil {
		b = append(b, " duration="...)
		b = strconv.AppendInt(b, int64(time.Duration(d.num)/time.Second), 10)
		b = append(b, "(sec)"...)
	}
	return append(b, '\n')
}

// beginXinetd appends what stands before the word of a line, the word, and the service.
func (f *format) beginXinetd(b []byte, word string, e *Event, now time.Time) []byte {
	b = append(f.appendXinetdHead(b, e, now), word...)
	return appendPrintable(b, e.word(keyService))
}

// appendXinetdHead differs from appendHead in the time, local and with nothing padded in the date, and in the daemon's name.
func (f *format) appendXinetdHead(b []byte, e *Event, now time.Time) []byte {
	if f.head != headXinetd {
		return f.appendHead(b, e, now)
	}
	now = now.Local()
	b = strconv.AppendInt(b, int64(now.Year()%100), 10)
	return now.AppendFormat(b, "/1/2@15:04:05: ")
}

// xinetdPid appends the process, 0 for a builtin.
func (e *Event) xinetdPid(b []byte) []byte {
	if e.flags&config.LogPID == 0 {
		return b
	}
	return strconv.AppendInt(append(b, " pid="...), e.number(keyPid), 10)
}

func (e *Event) xinetdHost(b []byte) []byte {
	if e.flags&config.LogHost == 0 {
		return b
	}
	return e.xinetdAddress(append(b, " from="...))
}

func (e *Event) xinetdAddress(b []byte) []byte {
	from := e.field(keyFrom)
	switch {
	case from == nil:
		return append(b, "<no address>"...)
	case from.form == formWord:
		return appendPrintable(b, from.str)
	}
	return from.appendTo(b)
}

// noIDReason is xinetd's reason why nobody knows whose connection it is. What superd/ident says begins with its name where
// the server could not be asked.
func noIDReason(detail string) string {
	switch {
	case !strings.HasPrefix(detail, "ident: "):
		return "bad response"
	case strings.Contains(detail, "timeout") || strings.Contains(detail, "deadline"):
		return "timeout"
	}
	return "no server"
}

// xinetdReason is xinetd's word for a verdict, or the verdict where xinetd never refuses for that.
func xinetdReason(verdict string) string {
	switch verdict {
	case "cps", "hold":
		return "connections per second"
	case "instances":
		return "service_limit"
	case "per_source":
		return "per_source_limit"
	case "lookup", "sensor":
		return "address"
	case "descriptors":
		return "fork"
	}
	return verdict
}

// appendXinetdNews appends xinetd's sentence for what the daemon says of itself, or the event as text.
func appendXinetdNews(b []byte, e *Event) []byte {
	switch e.kind {
	case kindReady:
		b = append(b, "Started working: "...)
		n := e.number(keyServices)
		b = strconv.AppendInt(b, n, 10)
		if n == 1 {
			return append(b, " available service"...)
		}
		return append(b, " available services"...)
	case kindReload:
		b = strconv.AppendInt(append(b, "Reconfigured: new="...), e.number(keyOpened), 10)
		b = strconv.AppendInt(append(b, " old="...), e.number(keyKept)+e.number(keyRetuned), 10)
		b = strconv.AppendInt(append(b, " dropped="...), e.number(keyRetired), 10)
		return append(b, " (services)"...)
	case kindPause:
		if e.word(keyReason) == "cps" {
			b = appendPrintable(append(b, "Deactivating service "...), e.word(keyService))
			b = append(b, " due to excessive incoming connections.  Restarting in "...)
			b = strconv.AppendInt(b, e.number(keyRetry)/int64(time.Second), 10)
			return append(b, " seconds."...)
		}
	case kindResume:
		return appendPrintable(append(b, "Activating service "...), e.word(keyService))
	case kindStopped:
		return append(b, "Exiting..."...)
	}
	return appendText(b, e)
}

// field is the value of a key; nil if the event has none.
func (e *Event) field(k key) *field {
	for i := range e.count {
		if e.fields[i].key == k {
			return &e.fields[i]
		}
	}
	return nil
}

// number is the value of a key that is a number or a duration; 0 if the event has none.
func (e *Event) number(k key) int64 {
	if f := e.field(k); f != nil {
		return f.num
	}
	return 0
}

// word is the value of a key that is text; "" if the event has none.
func (e *Event) word(k key) string {
	if f := e.field(k); f != nil && f.form == formWord {
		return f.str
	}
	return ""
}
