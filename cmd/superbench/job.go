package main

import (
	"bytes"
	"fmt"
	"strings"
)

// job is what a server is to do at its address: the same for all, said in each one's own words by its contender.
type job struct {
	Builtin    string   // "echo" or "daytime", which the server answers itself; "": it starts
	Program    []string // this
	Stays      bool     // the program ends when the client does
	User       string   // whom the program runs as
	Sandbox    bool     // with a umask and rlimits,
	NoNewPrivs bool     // and this
	Dgram      bool
	Wait       bool   // the program gets the listening socket
	Deny       string // an address that is not let in
	Rate       int    // connections a second; 0: far more than there will be
	Services   int    // so many alike, on ports that follow each other
	Split      bool   // each service is in a file of its own, and the first is the builtin daytime
	Shipped    string // instead of all this superd.hcl and conf.d in this folder; "-": the same services, for who does not read those
}

// builtin is the builtin that service number i is; "": a program.
func (j *job) builtin(i int) string {
	if j.Split && i == 0 {
		return "daytime"
	}
	return j.Builtin
}

// The limits are in force and never in the way.
const (
	plenty     = 1_000_000
	umaskWorn  = "027"
	filesWorn  = 64
	cpuWorn    = 60
	memoryWorn = 256 // MB of data segment
)

const hello = "hello\n"

// checkHello is about the answer of program.c.
func checkHello(reply []byte) string {
	if string(reply) != hello {
		return fmt.Sprintf("%q instead of %q", clip(reply), hello)
	}
	return ""
}

// checkDaytime is about RFC 867, which prescribes no format: a line with the year's and the time's punctuation.
func checkDaytime(reply []byte) string {
	line, whole := bytes.CutSuffix(reply, []byte("\r\n"))
	if !whole || len(line) < 20 || bytes.Count(line, []byte(":")) != 2 || bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
		return fmt.Sprintf("%q is no daytime", clip(reply))
	}
	return ""
}

// checkNothing is about a client that is not let in.
func checkNothing(reply []byte) string {
	if len(reply) > 0 {
		return fmt.Sprintf("%q instead of nothing", clip(reply))
	}
	return ""
}

// pattern is n bytes in which no part looks like another.
func pattern(n int) []byte {
	b, state := make([]byte, n), uint32(1)
	for i := range b {
		state = state*1664525 + 1013904223
		b[i] = byte(state >> 24)
	}
	return b
}

// checkEcho returns a check for sent coming back as it was.
func checkEcho(sent []byte) func([]byte) string {
	return func(reply []byte) string {
		switch {
		case len(reply) < len(sent):
			return fmt.Sprintf("%d bytes of %d came back", len(reply), len(sent))
		case !bytes.Equal(reply, sent):
			return "not what was sent"
		}
		return ""
	}
}

func clip(b []byte) string { return strings.ToValidUTF8(string(b[:min(len(b), 40)]), "?") }
