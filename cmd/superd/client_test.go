package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// moment is how long silence must last to be believed. It is only for what must not come, after an event that would have brought it.
const moment = 200 * time.Millisecond

func dial(ts *testscript.TestScript, args []string) {
	if len(args) != 3 && (len(args) != 5 || args[3] != "from") {
		ts.Fatalf("usage: dial NAME tcp|udp ADDR:PORT [from ADDR[:PORT]]")
	}
	s, from := of(ts), ""
	if len(args) == 5 {
		from = args[4]
	}
	c, err := connect(args[1], args[2], from)
	ts.Check(err)
	if old := s.conns[args[0]]; old != nil {
		_ = old.Close()
	}
	s.conns[args[0]] = c
}

func connect(network, to, from string) (net.Conn, error) {
	d := net.Dialer{Timeout: deadline}
	if from != "" {
		local, err := netip.ParseAddrPort(from)
		if err != nil {
			addr, err := netip.ParseAddr(from)
			if err != nil {
				return nil, err
			}
			local = netip.AddrPortFrom(addr, 0)
		}
		d.LocalAddr = net.TCPAddrFromAddrPort(local)
		if network == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(local)
		}
	}
	return d.Dial(network, to)
}

// refused waits until nobody listens any more: a retired listener first serves whom the kernel had accepted.
func refused(ts *testscript.TestScript, args []string) {
	var err error
	ok := poll(func() bool {
		var c net.Conn
		if c, err = connect("tcp", args[0], ""); err == nil {
			_ = c.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
	if !ok {
		ts.Fatalf("dial %s: %v, want connection refused", args[0], err)
	}
}

// resets expects the reset where it comes: it may overtake the end of dialling.
func resets(ts *testscript.TestScript, args []string) {
	c, err := connect("tcp", args[0], "")
	var text []byte
	if err == nil {
		defer c.Close()
		ts.Check(c.SetDeadline(time.Now().Add(deadline)))
		text, err = io.ReadAll(c)
	}
	if !errors.Is(err, syscall.ECONNRESET) || len(text) > 0 {
		ts.Fatalf("%s: got %q and %v, want a reset", args[0], text, err)
	}
}

// client is the named connection, with the deadline set for what the command does next.
func client(ts *testscript.TestScript, args []string, usage string, n int) net.Conn {
	if len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
	c := of(ts).conns[args[0]]
	if c == nil {
		ts.Fatalf("no connection %q: dial it first", args[0])
	}
	ts.Check(c.SetDeadline(time.Now().Add(deadline)))
	return c
}

func isDgram(c net.Conn) bool { return c.LocalAddr().Network() == "udp" }

func send(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "send NAME TEXT", 2)
	_, err := c.Write([]byte(unquote(ts, args[1])))
	ts.Check(err)
}

const largest = 64 << 10

// receive reads one datagram, or n bytes of a stream.
func receive(c net.Conn, n int) ([]byte, error) {
	if isDgram(c) {
		b := make([]byte, largest)
		n, err := c.Read(b)
		return b[:n], err
	}
	b := make([]byte, n)
	n, err := io.ReadFull(c, b)
	return b[:n], err
}

func expect(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "expect NAME TEXT", 2)
	want := unquote(ts, args[1])
	got, err := receive(c, len(want))
	if string(got) != want {
		ts.Fatalf("%s: got %q (%v), want %q", args[0], got, err, want)
	}
}

func expectline(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "expectline NAME REGEXP", 2)
	line, err := nextLine(c)
	re := compile(ts, args[1])
	match := re.FindStringSubmatch(string(line))
	if match == nil {
		ts.Fatalf("%s: got %q (%v), want %q", args[0], line, err, re)
	}
	named(ts, re, match)
}

// nextLine reads a line without its end, byte by byte, so that what follows stays in the connection.
func nextLine(c net.Conn) (line []byte, err error) {
	if isDgram(c) {
		line, err = receive(c, 0)
		return bytes.TrimRight(line, "\r\n"), err
	}
	one := make([]byte, 1)
	for len(line) < largest {
		if _, err := c.Read(one); err != nil {
			return line, err
		}
		if one[0] == '\n' {
			break
		}
		line = append(line, one[0])
	}
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

func readall(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "readall NAME FILE", 2)
	read := io.ReadAll
	if isDgram(c) {
		read = func(io.Reader) ([]byte, error) { return receive(c, 0) }
	}
	text, err := read(c)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), text, 0o644))
}

func expecteof(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "expecteof NAME", 1)
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		ts.Fatalf("%s: got %q and %v, want the end", args[0], rest, err)
	}
}

func silent(ts *testscript.TestScript, args []string) {
	for _, name := range args {
		c := client(ts, []string{name}, "silent NAME…", 1)
		ts.Check(c.SetReadDeadline(time.Now().Add(moment)))
		b := make([]byte, largest)
		if n, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
			ts.Fatalf("%s: got %q and %v, want silence", name, b[:n], err)
		}
	}
}

func halfclose(ts *testscript.TestScript, args []string) {
	c := client(ts, args, "halfclose NAME", 1)
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		ts.Fatalf("%s is no stream", args[0])
	}
	ts.Check(tcp.CloseWrite())
}

func closeconn(ts *testscript.TestScript, args []string) {
	if s := of(ts); len(args) == 1 && s.held[args[0]] != nil {
		s.letGo(args[0])
		return
	}
	c := client(ts, args, "closeconn NAME", 1)
	ts.Check(c.Close())
	delete(of(ts).conns, args[0])
}

func occupy(ts *testscript.TestScript, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: occupy NAME tcp|udp ADDR:PORT")
	}
	c, err := listen(args[1], args[2])
	ts.Check(err)
	of(ts).held[args[0]] = []io.Closer{squatter{c, args[1], args[2]}}
}

// squatter is a port that is taken.
type squatter struct {
	io.Closer
	network, at string
}

// Close returns when the port can be had again: a child that another story was just forking may have held on to it.
func (q squatter) Close() error {
	err := q.Closer.Close()
	if !poll(func() bool { return canListen(q.network, q.at) }) {
		return fmt.Errorf("%s %s stays taken", q.network, q.at)
	}
	return err
}

func crowd(ts *testscript.TestScript, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: crowd NAME N ADDR:PORT")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	for range n {
		c, err := connect("tcp", args[2], "")
		ts.Check(err)
		of(ts).held[args[0]] = append(of(ts).held[args[0]], c)
	}
}

func visit(ts *testscript.TestScript, args []string) {
	if len(args) != 3 && len(args) != 4 {
		ts.Fatalf("usage: visit N tcp|udp ADDR:PORT [TEXT]")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	text := ""
	if len(args) == 4 {
		text = unquote(ts, args[3])
	}
	for range n {
		if err := visitOnce(args[1], args[2], text); err != nil {
			ts.Fatalf("visit %s: %v", args[2], err)
		}
	}
}

// visitOnce gets text back, or, if there is none, waits for the end.
func visitOnce(network, to, text string) error {
	c, err := connect(network, to, "")
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	if text == "" {
		_, err := io.Copy(io.Discard, c)
		return err
	}
	if _, err := c.Write([]byte(text)); err != nil {
		return err
	}
	got, err := receive(c, len(text))
	if err == nil && string(got) != text {
		err = fmt.Errorf("got %q, want %q", got, text)
	}
	return err
}
