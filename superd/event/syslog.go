package event

import "fmt"

// syslogSocket is where syslogd takes datagrams.
const syslogSocket = "/dev/log"

// facilities and severities are the numbers of RFC 3164, by the words of syslog.conf(5).
var facilities = map[string]int{
	"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8, "cron": 9,
	"authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18, "local3": 19, "local4": 20, "local5": 21,
	"local6": 22, "local7": 23,
}

var severities = map[string]int{
	"emerg": 0, "alert": 1, "crit": 2, "err": 3, "error": 3, "warning": 4, "warn": 4, "notice": 5, "info": 6, "debug": 7,
}

// Severity is what an event is sent to syslog or the journal with, in place of what log_type says. The zero Severity leaves
// that as it is.
type Severity struct {
	facility int // times 8, plus 1; 0: log_type's
	level    int // plus 1; 0: log_type's, or the event's own
}

// NewSeverity makes one of words as in syslog.conf(5); "" and words that are none leave what log_type says.
func NewSeverity(facility, level string) (s Severity) {
	if n, ok := facilities[facility]; ok {
		s.facility = n*8 + 1
	}
	if n, ok := severities[level]; ok {
		s.level = n + 1
	}
	return s
}

// facility is the number of a word, "daemon" if there is none.
func facility(word string) (int, error) {
	if word == "" {
		word = "daemon"
	}
	n, ok := facilities[word]
	if !ok {
		return 0, fmt.Errorf("unknown syslog facility %q", word)
	}
	return n * 8, nil
}

// severity is the number of a word, "info" if there is none.
func severity(word string) (int, error) {
	if word == "" {
		word = "info"
	}
	n, ok := severities[word]
	if !ok {
		return 0, fmt.Errorf("unknown syslog level %q", word)
	}
	return n, nil
}
