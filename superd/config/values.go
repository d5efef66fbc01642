package config

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxName bounds service names and ids; they stand in every line of the log.
const maxName = 128

// badName says why a text cannot be a service's name or id, or "".
func badName(s string) string {
	switch {
	case s == "":
		return "A name cannot be empty."
	case len(s) > maxName || !utf8.ValidString(s):
		return "A name is at most 128 bytes of UTF-8 text."
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == ' ' || r == '"' || r == '\\' || r == '=' }):
		return `A name has no blanks, quotes, equals signs, backslashes or control characters.`
	}
	return ""
}

// denyTime is a number of minutes, as in xinetd, a duration, FOREVER or NEVER.
func denyTime() Kind {
	return Kind{Type: `number of minutes, duration, "FOREVER" or "NEVER"`, set: func(c cell, s *spec) {
		text, isText := c.text()
		switch {
		case isText && strings.EqualFold(text, "FOREVER"):
			s.denyTime = -1
		case isText && strings.EqualFold(text, "NEVER"):
			s.denyTime = 0
		case isText:
			if d, ok := c.duration(); ok {
				s.denyTime = d
			}
		default:
			if n, ok := c.within(0, int64(longest/time.Minute)); ok {
				s.denyTime = time.Duration(n) * time.Minute
			}
		}
	}}
}

// stateDir is an absolute path, or "none".
func stateDir() Kind {
	return Kind{Type: `path or "none"`, set: func(c cell, s *spec) {
		v, ok := c.line()
		if ok && v != "none" {
			v, ok = c.path(v, false)
		}
		if ok {
			s.state = v
		}
	}}
}

// daemonName is a name that hosts.allow can have in a list.
func daemonName() Kind {
	return Kind{Type: "string", set: func(c cell, s *spec) {
		v, ok := c.line()
		switch {
		case !ok:
		case strings.ContainsAny(v, " ,:@/"):
			c.errorf("Bad name", "A daemon's name in hosts.allow has no blanks and none of , : @ and /.")
		default:
			s.Libwrap = v
		}
	}}
}

func identity() Kind {
	return Kind{Type: "string", set: func(c cell, s *spec) {
		v, ok := c.text()
		if !ok {
			c.mistyped()
			return
		}
		if why := badName(v); why != "" {
			c.errorf("Bad name", "%s", why)
			return
		}
		s.ID = v
	}}
}

// portKind checks all but names: whether there is one depends on the protocol.
func portKind() Kind {
	return Kind{Type: "string or number", set: func(c cell, s *spec) {
		v, ok := c.text()
		if n, isNumber := c.integer(); isNumber {
			v, ok = strconv.FormatInt(n, 10), true
		}
		if !ok {
			c.mistyped()
			return
		}
		anyName := func(name string) (uint16, bool) { return 1, isPortName(name) }
		if _, _, err := parsePort(v, anyName); err != nil {
			c.errorf("Bad port", "%s.", upper(err.Error()))
			return
		}
		s.port = v
	}}
}

// umask takes octal digits in quotes only: 022 without them is the decimal number 22 in HCL.
func umask() Kind {
	return Kind{Type: "string", set: func(c cell, s *spec) {
		if _, isNumber := c.integer(); isNumber {
			c.errorf("Umask without quotes", `A umask is octal, and a number here would be decimal. Write it in quotes, for example umask = "022".`)
			return
		}
		v, ok := c.line()
		if !ok {
			return
		}
		n, err := strconv.ParseUint(v, 8, 16)
		if err != nil || n > 0o777 {
			c.errorf("Bad umask", `%q is not an octal number from 000 to 777.`, v)
			return
		}
		s.Program.Umask = int(n)
	}}
}

func checkVariable(c cell, w word) {
	name, _, ok := strings.Cut(w.text, "=")
	if !ok {
		c.errorf("Bad variable", "Write NAME=value; to pass a variable of superd's own environment on, see passenv.")
		return
	}
	if ofConnection(name) {
		c.errorf("Variable of the connection", "superd itself sets %s, for each connection: leave it out.", name)
	}
	checkVariableName(c, word{name, w.at})
}

// ofConnection reports whether a variable tells a program about its connection, and so is superd's to set.
func ofConnection(name string) bool {
	switch name {
	case "SUPERD_SERVICE", "PROTO", "TCPREMOTEINFO", "REMOTE_HOST", "REMOTE_ADDR", "REMOTE_PORT":
		return true
	}
	rest, tcp := strings.CutPrefix(name, "TCP")
	rest, udp := strings.CutPrefix(rest, "UDP")
	switch rest {
	case "LOCALIP", "LOCALPORT", "REMOTEIP", "REMOTEPORT":
		return tcp || udp
	}
	return false
}

func checkVariableName(c cell, w word) {
	if w.text == "" || strings.ContainsFunc(w.text, func(r rune) bool { return r <= ' ' || r == '=' || r == 0x7f }) {
		c.errorf("Bad variable", "%q is not the name of a variable: it has no blanks and no equals sign.", w.text)
	}
}

func windows() Kind {
	return Kind{Type: listType + "strings", set: func(c cell, s *spec) {
		words, ok := c.texts()
		if !ok {
			return
		}
		times := make([]Window, 0, len(words))
		for _, w := range words {
			window, err := parseWindow(w.text)
			if err != nil {
				c.on(w).errorf("Bad time", "%q: %s.", w.text, err)
			}
			times = append(times, window)
		}
		s.Access.Times = times
	}}
}

func logType() Kind {
	return Kind{Type: "string", Words: logKinds, set: func(c cell, s *spec) {
		v, ok := c.line()
		if !ok {
			return
		}
		target, err := parseLogType(v)
		if err != nil {
			c.errorf("Bad log_type", "%s.", upper(err.Error()))
			return
		}
		s.Log.Target = target
	}}
}
