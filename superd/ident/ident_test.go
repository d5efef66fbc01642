package ident

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"6193, 23 : USERID : UNIX : stjohns":                             "UNIX : stjohns",
		"6193,23:USERID:UNIX:stjohns":                                    "UNIX : stjohns",
		"  6193 ,\t23 : userid : UNIX , US-ASCII : a b:c \r":             "UNIX,US-ASCII : a b:c",
		"6193, 23 : USERID : OTHER : \x00\x1b[2J\x7f\xff":                "OTHER : ??[2J??",
		"6193, 23 : USERID : OTHER : Jürgen":                             "OTHER : Jürgen",
		"6193, 23 : USERID : UNIX : " + strings.Repeat("u", 512):         "UNIX : " + strings.Repeat("u", 512),
		"6193, 23 : ERROR : NO-USER":                                     "!NO-USER",
		"6193, 23 : error :HIDDEN-USER\r":                                "!HIDDEN-USER",
		"6193, 23 : ERROR : X\n\x00":                                     "!X??",
		"6193, 23 : ERROR : ":                                            "",
		"6193, 23 : ERROR : " + strings.Repeat("x", 65):                  "",
		"6193, 23 : USERID : UNIX : " + strings.Repeat("u", 513):         "",
		"6193, 23 : USERID : " + strings.Repeat("s", 65) + " : u":        "",
		"6193, 23 : USERID : UNIX : ":                                    "",
		"6193, 23 : USERID : UNIX":                                       "",
		"6193, 23 : USERID :  : root":                                    "",
		"6193, 23 : WHO : UNIX : root":                                   "",
		"6193, 24 : USERID : UNIX : root":                                "",
		"6192, 23 : USERID : UNIX : root":                                "",
		"23, 6193 : USERID : UNIX : root":                                "",
		"71729, 65559 : USERID : UNIX : root":                            "",
		"+6193, 23 : USERID : UNIX : root":                               "",
		"6193 : USERID : UNIX : root":                                    "",
		"":                                                               "",
		"root":                                                           "",
		"6193, 23 : USERID : UNIX : u" + strings.Repeat(" ", 2*lineMost): "",
	} {
		r, err := parse([]byte(line), 6193, 23)
		var said Refusal
		switch {
		case want == "":
			if err != errFormat {
				t.Errorf("%.60q: %q, %v", line, r, err)
			}
		case want[0] == '!':
			if !errors.As(err, &said) || string(said) != want[1:] {
				t.Errorf("%.60q: %q, %v; want the refusal %s", line, r, err, want[1:])
			}
		case err != nil || r.String() != want:
			t.Errorf("%.60q: %q, %v; want %q", line, r, err, want)
		}
	}
}

// FuzzParse: whatever a server says, what comes out is short and printable, or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte("6193, 23 : USERID : UNIX : stjohns\r"))
	f.Add([]byte("6193, 23 : ERROR : NO-USER"))
	f.Add([]byte("6193,23:USERID:a,b:\xff\x00:"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := parse(line, 6193, 23)
		text := r.System + r.User
		if err != nil {
			text = err.Error()
		} else if r.User == "" || r.System == "" {
			t.Errorf("%q: %+v", line, r)
		}
		if len(text) > userMost+systemMost || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("%q gives %q", line, text)
		}
	})
}

// server is an ident server that says what it is told, at an address of its own.
func server(t *testing.T, network, addr string, answer func(net.Conn)) (port uint16) {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Skipf("%s is not there: %v", network, err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); answer(c) }()
		}
	}()
	return uint16(l.Addr().(*net.TCPAddr).Port)
}

func TestAsk(t *testing.T) {
	for _, at := range [][3]string{{"tcp4", "127.0.0.1:0", "127.0.0.1"}, {"tcp4", "127.0.0.1:0", "::ffff:127.0.0.1"}, {"tcp6", "[::1]:0", "::1"}} {
		local, peer := netip.MustParseAddrPort("127.0.0.9:23"), netip.AddrPortFrom(netip.MustParseAddr(at[2]), 6193)
		if at[2] == "::1" {
			local = netip.MustParseAddrPort("[::1]:23")
		}
		var question, from string
		port := server(t, at[0], at[1], func(c net.Conn) {
			b := make([]byte, 100)
			n, _ := c.Read(b)
			question, from = string(b[:n]), c.RemoteAddr().(*net.TCPAddr).IP.String()
			for _, part := range []string{"6193 , 2", "3 : USERID : UNIX : ro", "ot\r\nand more"} {
				c.Write([]byte(part))
			}
		})
		r, err := ask(t.Context(), local, peer, port)
		if err != nil || r != (Reply{"UNIX", "root"}) {
			t.Errorf("%v: %+v, %v", peer, r, err)
		}
		if question != "6193 , 23\r\n" || from != local.Addr().String() {
			t.Errorf("asked %q from %s", question, from)
		}
	}
}

// Hostile servers cost their time limit and a line of memory.
func TestAskIsBounded(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"says nothing":        func(c net.Conn) { io.Copy(io.Discard, c) },
		"never ends the line": func(c net.Conn) { c.Write(make([]byte, 1<<20)) },
		"drips": func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
				time.Sleep(time.Millisecond)
			}
		},
		"closes": func(net.Conn) {},
		"resets": func(c net.Conn) { c.(*net.TCPConn).SetLinger(0) },
	} {
		port := server(t, "tcp4", "127.0.0.1:0", answer)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		_, err := ask(ctx, netip.MustParseAddrPort("127.0.0.1:23"), netip.MustParseAddrPort("127.0.0.1:6193"), port)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if name == "says nothing" && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	if _, err := ask(t.Context(), netip.MustParseAddrPort("127.0.0.1:23"), netip.MustParseAddrPort("127.0.0.1:6193"), 1); err == nil {
		t.Error("nobody listens, and no error")
	}
}
