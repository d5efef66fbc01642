package libwrap

import (
	"strconv"
	"strings"
)

// expandMax is libwrap's buffer: what grows beyond it denies.
const expandMax = 8191

// bannerMax bounds a banner when it is expanded.
const bannerMax = 64 << 10

// harmless are the characters of an expansion that a shell, or a banner, gets as they are. All others become underscores.
const harmless = "1234567890!@%-_=+:,./abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// expand replaces %a and its like, unless it gets stuck; false if the result is as long as limit.
func (e *evaluation) expand(text string, limit int) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			b.WriteByte(text[i])
			continue
		}
		i++
		b.WriteString(clean(e.expansion(text[i])))
		if e.stuck() || b.Len() >= limit {
			return "", false
		}
	}
	return b.String(), b.Len() < limit
}

func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(harmless, c) {
			return c
		}
		return '_'
	}, s)
}

func (e *evaluation) expansion(c byte) string {
	r := e.request
	switch c {
	case 'a':
		return r.Client.text()
	case 'A':
		return r.Server.text()
	case 'c':
		if known(r.User) {
			return r.User + "@" + r.Client.best()
		}
		return r.Client.best()
	case 'd':
		return r.Daemon
	case 'h':
		return r.Client.best()
	case 'H':
		return r.Server.best()
	case 'n':
		return e.peer().name()
	case 'N':
		return e.server().name()
	case 'p':
		return strconv.Itoa(r.Pid)
	case 'r':
		return strconv.Itoa(int(r.Client.Addr.Port()))
	case 'R':
		return strconv.Itoa(int(r.Server.Addr.Port()))
	case 's':
		if host := r.Server.best(); host != Unknown {
			return r.Daemon + "@" + host
		}
		return r.Daemon
	case 'u':
		return e.user()
	case '%':
		return "%"
	}
	return ""
}

// best is the name if it is known by now, or else the address.
func (h *Host) best() string {
	if known(h.Name) {
		return h.Name
	}
	return h.text()
}

// Banner is what the text of a banner's file says to the client of r: %a and its like expanded, and each newline a CRLF.
// A Need that is not zero means that it is not known yet.
func Banner(text string, r *Request) (string, Need) {
	e := evaluation{request: r}
	out, _ := e.expand(strings.ReplaceAll(text, "\n", "\r\n"), bannerMax)
	return out, e.need
}
