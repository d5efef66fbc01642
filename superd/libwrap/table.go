package libwrap

import (
	"fmt"
	"strings"
)

// Table is one of the two files. The zero Table has nothing in it.
type Table struct {
	name   string
	rules  []rule
	broken bool // there is a line that cannot be read: it and what follows it are no rules
}

// Problem is something in a file that does not mean what its author thinks, or cannot be done.
type Problem struct {
	At   string // FILE:LINE, or FILE
	Text string
}

type rule struct {
	at      string
	daemons list
	clients list
	options []option
}

// list is patterns of which one must match, unless one of the list after EXCEPT does.
type list struct {
	items  []item
	except *list
}

// item is a pattern of either list: LEFT@HOST, where each list may do without one of the two.
type item struct {
	left *word // a daemon's name or port, or a user's name
	port int   // of a daemon; -1: it is not a number
	host *hostPattern
}

// parse reads a table. open makes the set of patterns of a file that is named in it.
func parse(name string, text []byte, open func(path string) *hostSet) (*Table, []Problem) {
	t := &Table{name: name}
	var problems []Problem
	for l := (&lines{rest: text}); ; {
		first := l.n + 1
		line, whole := l.next()
		at := fmt.Sprintf("%s:%d", name, first)
		note := func(format string, args ...any) {
			problems = append(problems, Problem{at, fmt.Sprintf(format, args...)})
		}
		if !whole {
			if line != "" || first <= l.n {
				t.broken = true
				note("the line has no newline, is longer than %d bytes or is no text: it and what follows it are no rules", lineMax-1)
			}
			return t, problems
		}
		if strings.HasPrefix(line, "#") || strings.Trim(line, blanks) == "" {
			continue
		}
		daemons, rest, ok := cut(line, ':')
		if !ok {
			note(`there is no ":" in the line, which is ignored`)
			continue
		}
		clients, options, hasOptions := cut(rest, ':')
		r := rule{at: at}
		r.daemons = newList(daemons, func(w string) item { return daemonItem(w, open, note) })
		r.clients = newList(clients, func(w string) item { return clientItem(w, open, note) })
		if hasOptions {
			r.options = parseOptions(options+"\n", note)
		}
		t.rules = append(t.rules, r)
	}
}

func newList(text string, newItem func(string) item) list {
	var top list
	l := &top
	for _, w := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \t\r\n", c) }) {
		if fold(w, "EXCEPT") {
			l.except = &list{}
			l = l.except
			continue
		}
		l.items = append(l.items, newItem(w))
	}
	return top
}

func daemonItem(w string, open func(string) *hostSet, note func(string, ...any)) item {
	name, host, at := cutHost(w)
	i := item{left: newWord(name), port: portNumber(name)}
	if at {
		i.host = newHostPattern(host, open, note)
	}
	return i
}

func clientItem(w string, open func(string) *hostSet, note func(string, ...any)) item {
	name, host, at := cutHost(w)
	if !at {
		return item{host: newHostPattern(w, open, note)}
	}
	return item{left: newWord(name), host: newHostPattern(host, open, note)}
}

// cutHost splits LEFT@HOST. An @ that comes first is a netgroup's.
func cutHost(w string) (left, host string, found bool) {
	left, host, found = cut(w[1:], '@')
	return w[:1] + left, host, found
}

// portNumber is what scanf's %u makes of the whole word; -1 if that is no port.
func portNumber(w string) int {
	n := 0
	digits := strings.TrimPrefix(w, "+")
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return -1
		}
		if n = n*10 + int(digits[i]-'0'); n > 65535 {
			return -1
		}
	}
	if digits == "" {
		return -1
	}
	return n
}
