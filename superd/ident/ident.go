// Package ident asks the host of a peer whose connection it is (RFC 1413). The answer is what that host likes to say: it is
// good for a log, and for hosts under the same administration.
package ident

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Port is that of ident servers.
const Port = 113

// Bounds of a reply (RFC 1413, 4 and 6).
const (
	lineMost   = 1000
	userMost   = 512
	systemMost = 64
)

// Reply is what an ident server has said. Its texts are printable.
type Reply struct {
	System string // "UNIX", "OTHER", with a character set "UNIX,US-ASCII"
	User   string // never empty
}

// String is the reply as it came behind "USERID :", with single blanks.
func (r Reply) String() string { return r.System + " : " + r.User }

// Refusal is an ident server's answer that it does not say: "NO-USER", "HIDDEN-USER", "INVALID-PORT" or another word.
type Refusal string

func (r Refusal) Error() string { return "ident says " + string(r) }

// errFormat is for what no ident server should send.
var errFormat = errors.New("ident answers something else than RFC 1413 says")

// Ask asks the peer's host, from the local address of the connection, until ctx is over. The error is a Refusal, or says
// what failed.
func Ask(ctx context.Context, local, peer netip.AddrPort) (Reply, error) {
	return ask(ctx, local, peer, Port)
}

func ask(ctx context.Context, local, peer netip.AddrPort, port uint16) (Reply, error) {
	from := netip.AddrPortFrom(local.Addr().Unmap(), 0)
	to := netip.AddrPortFrom(peer.Addr().Unmap(), port)
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(from), KeepAlive: -1}
	c, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return Reply{}, fmt.Errorf("ident: %w", err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })() // a deadline that is past ends what waits
	if _, err := fmt.Fprintf(c, "%d , %d\r\n", peer.Port(), local.Port()); err != nil {
		return Reply{}, fmt.Errorf("ident: %w", err)
	}
	line, err := readLine(c)
	if err != nil {
		return Reply{}, fmt.Errorf("ident: %w", err)
	}
	return parse(line, peer.Port(), local.Port())
}

// readLine reads to the end of the line, or of what the other side says.
func readLine(r io.Reader) ([]byte, error) {
	var buf [lineMost + len("\r\n")]byte
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if end := bytes.IndexByte(buf[:n], '\n'); end >= 0 {
			return buf[:end], nil
		}
		if err == io.EOF && n > 0 {
			return buf[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, errFormat
}

// parse reads a reply for the ports of the question:
//
//	6193 , 23 : USERID : UNIX , US-ASCII : stjohns
//	6195 , 23 : ERROR : NO-USER
//
// A user's name may hold anything, blanks and colons too, but for what cannot be printed, which becomes a question mark.
func parse(line []byte, theirs, ours uint16) (Reply, error) {
	ports, rest, ok1 := strings.Cut(string(line), ":")
	kind, rest, ok2 := strings.Cut(rest, ":")
	if !ok1 || !ok2 || len(line) > lineMost || !samePorts(ports, theirs, ours) {
		return Reply{}, errFormat
	}
	switch strings.ToUpper(strings.TrimSpace(kind)) {
	case "ERROR":
		return Reply{}, refusal(strings.TrimSpace(rest))
	case "USERID":
	default:
		return Reply{}, errFormat
	}
	system, user, ok := strings.Cut(rest, ":")
	r := Reply{System: printable(compact(system)), User: printable(strings.TrimSpace(user))}
	if !ok || r.System == "" || r.User == "" || len(r.System) > systemMost || len(r.User) > userMost {
		return Reply{}, errFormat
	}
	return r, nil
}

// compact takes blanks out of an operating system and its character set.
func compact(s string) string { return strings.Join(strings.Fields(s), "") }

func refusal(word string) error {
	if word = printable(word); word == "" || len(word) > systemMost {
		return errFormat
	}
	return Refusal(word)
}

func samePorts(text string, theirs, ours uint16) bool {
	a, b, ok := strings.Cut(text, ",")
	return ok && isPort(a, theirs) && isPort(b, ours)
}

func isPort(text string, want uint16) bool {
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 16)
	return err == nil && uint16(n) == want
}

// printable replaces what is not text of one line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
