package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

var (
	logKinds   = []string{"STDERR", "SYSLOG", "FILE", "JOURNAL"}
	facilities = []string{
		"daemon", "auth", "authpriv", "user", "mail", "lpr", "news", "uucp", "ftp", "cron", "kern", "syslog",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
	levels = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}
)

// parseLogType reads "SYSLOG facility [level]", "FILE /path [soft [hard]]", "JOURNAL [level]" or "STDERR".
func parseLogType(text string) (LogTarget, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return LogTarget{}, errors.New(`write for example "SYSLOG daemon info"`)
	}
	kind, args := strings.ToUpper(words[0]), words[1:]
	switch kind {
	case "STDERR":
		return LogTarget{Kind: Stderr}, atMost(args, 0, `"STDERR" stands alone`)
	case "JOURNAL":
		t := LogTarget{Kind: Journal, Level: "info"}
		if err := atMost(args, 1, `write "JOURNAL", or "JOURNAL notice"`); err != nil {
			return LogTarget{}, err
		}
		err := oneOf(args, "level", levels, &t.Level)
		return t, err
	case "SYSLOG":
		return syslogTarget(args)
	case "FILE":
		return fileTarget(args)
	}
	return LogTarget{}, fmt.Errorf("%q is no kind of log.%s The kinds are %s", words[0], didYouMean(words[0], logKinds), quoted(logKinds))
}

func syslogTarget(args []string) (LogTarget, error) {
	t := LogTarget{Kind: Syslog, Level: "info"}
	if len(args) == 0 {
		return LogTarget{}, errors.New(`"SYSLOG" needs a facility, such as "SYSLOG daemon info"`)
	}
	if err := atMost(args, 2, `write a facility and a level: "SYSLOG daemon info"`); err != nil {
		return LogTarget{}, err
	}
	if err := oneOf(args, "facility", facilities, &t.Facility); err != nil {
		return LogTarget{}, err
	}
	err := oneOf(args[1:], "level", levels, &t.Level)
	return t, err
}

// fileTarget gives a file with a soft limit and no hard one xinetd's: 1 % more, at least 5 K and at most 20 K.
func fileTarget(args []string) (LogTarget, error) {
	t := LogTarget{Kind: File}
	if len(args) == 0 || !filepath.IsAbs(args[0]) {
		return LogTarget{}, errors.New(`"FILE" needs an absolute path, such as "FILE /var/log/superd.log"`)
	}
	if err := atMost(args, 3, `write a path, a soft and a hard limit: "FILE /var/log/superd.log 8M 9M"`); err != nil {
		return LogTarget{}, err
	}
	t.Path = filepath.Clean(args[0])
	limits := []*int64{&t.Soft, &t.Hard}
	for i, a := range args[1:] {
		n, err := parseSize(a)
		if err != nil {
			return LogTarget{}, fmt.Errorf(`%q is not a size, such as "8M"`, a)
		}
		*limits[i] = n
	}
	if len(args) == 2 && t.Soft > 0 {
		t.Hard = t.Soft + min(max(t.Soft/100, 5<<10), 20<<10)
	}
	if t.Hard > 0 && t.Hard < t.Soft {
		return LogTarget{}, fmt.Errorf("the hard limit %s is below the soft one %s", args[2], args[1])
	}
	return t, nil
}

func atMost(args []string, n int, hint string) error {
	if len(args) > n {
		return fmt.Errorf("%q is one word too many: %s", args[n], hint)
	}
	return nil
}

// oneOf puts the first of args, if there is one, into *to when it is among words.
func oneOf(args []string, what string, words []string, to *string) error {
	if len(args) == 0 {
		return nil
	}
	word := strings.ToLower(args[0])
	switch word {
	case "error":
		word = "err"
	case "warn":
		word = "warning"
	}
	if !slices.Contains(words, word) {
		return fmt.Errorf("%q is not a %s.%s The words are %s", args[0], what, didYouMean(args[0], words), quoted(words))
	}
	*to = word
	return nil
}
