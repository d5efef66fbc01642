package main

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// tcpServer answers each connection with what answer makes of all that the client sends; nil: the connection is reset.
func tcpServer(t *testing.T, answer func(n int, received []byte) []byte) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 0; ; n++ {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				var received []byte
				if answer(-1, nil) != nil { // it wants to hear the client first
					received, _ = io.ReadAll(c)
				}
				reply := answer(n, received)
				if reply == nil {
					_ = c.(*net.TCPConn).SetLinger(0)
				}
				_, _ = c.Write(reply)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

func TestTCPLoad(t *testing.T) {
	sent := pattern(300_000)
	for _, c := range []struct {
		name   string
		answer func(n int, received []byte) []byte
		load   tcpLoad
		done   int
		says   string
	}{
		{"hello", func(n int, _ []byte) []byte {
			if n < 0 {
				return nil
			}
			return []byte(hello)
		}, tcpLoad{Largest: len(hello), Check: checkHello}, 50, ""},
		{"one wrong", func(n int, _ []byte) []byte {
			return map[bool][]byte{true: []byte("hullo\n"), false: []byte(hello)}[n == 7]
		}, tcpLoad{Largest: len(hello), Check: checkHello, Send: []byte("x")}, 49, `1 of 50 failed: 1 × "hullo\n" instead of "hello\n"`},
		{"too much", func(n int, _ []byte) []byte { return bytes.Repeat([]byte(hello), 2) }, tcpLoad{Largest: len(hello), Check: checkHello, Send: []byte("x")}, 0, "50 × more than was expected"},
		{"reset", func(int, []byte) []byte { return nil }, tcpLoad{Largest: 10, Check: checkNothing}, 0, "connection reset by peer"},
		{"refused", func(int, []byte) []byte { return nil }, tcpLoad{Largest: 10, Check: checkNothing, Refused: true}, 50, ""},
		{"echo", func(n int, received []byte) []byte {
			if n < 0 {
				return []byte{}
			}
			return received
		}, tcpLoad{Send: sent, Largest: len(sent), Check: checkEcho(sent)}, 50, ""},
		{"a bit is wrong", func(n int, received []byte) []byte {
			if n == 3 {
				received[200_000] ^= 1
			}
			return append([]byte{}, received...)
		}, tcpLoad{Send: sent, Largest: len(sent), Check: checkEcho(sent)}, 49, "1 × not what was sent"},
		{"cut short", func(n int, received []byte) []byte { return append([]byte{}, received[:max(0, len(received)-1)]...) }, tcpLoad{Send: sent, Largest: len(sent), Check: checkEcho(sent)}, 0, "299999 bytes of 300000 came back"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := c.load
			l.To, l.From, l.Clients, l.Count, l.Limit = tcpServer(t, c.answer), clientAddresses(), 4, 50, time.Minute
			o, err := l.run()
			if err != nil {
				t.Fatal(err)
			}
			if o.Done != c.done || o.Done+o.failures() != 50 || len(o.Latencies) != o.Done || c.says == "" != (o.trouble() == "") || !strings.Contains(o.trouble(), c.says) {
				t.Errorf("%d done, %s", o.Done, o.trouble())
			}
		})
	}
}

func TestTCPLoadEnds(t *testing.T) {
	l := tcpLoad{To: tcpServer(t, func(int, []byte) []byte { return []byte{} }), Clients: 2, Count: 1 << 30, Limit: 50 * time.Millisecond, Check: checkNothing, Send: []byte("x")}
	if o, err := l.run(); err != nil || o.Done == 0 || o.trouble() != "" {
		t.Errorf("with a limit: %v, %d done, %s", err, o.Done, o.trouble())
	}
	stop := make(chan struct{})
	close(stop)
	l.Stop, l.Limit = stop, time.Hour
	if o, err := l.run(); err != nil || o.Done != 0 {
		t.Errorf("stopped: %v, %d done", err, o.Done)
	}
	nobody, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close() // it listens and never accepts
	l = tcpLoad{To: nobody.Addr().(*net.TCPAddr).AddrPort(), Clients: 1, Count: 1, Limit: time.Minute, Patience: 50 * time.Millisecond, Check: checkNothing}
	if o, err := l.run(); err != nil || o.Failed["no end after 50ms"] != 1 {
		t.Errorf("no answer: %v, %s", err, o.trouble())
	}
	nobody.Close()
	if o, err := l.run(); err != nil || o.failures() != 1 || !strings.Contains(o.trouble(), "connection refused") {
		t.Errorf("nobody there: %v, %s", err, o.trouble())
	}
}

// at5 echoes, but does something else with the datagram number 5.
func at5(other func(d []byte) [][]byte) func(int, []byte) [][]byte {
	return func(n int, d []byte) [][]byte {
		if n == 5 {
			return other(d)
		}
		return [][]byte{d}
	}
}

func TestUDPLoad(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(n int, d []byte) [][]byte
		done   int
		says   string
	}{
		{"echo", func(_ int, d []byte) [][]byte { return [][]byte{d} }, 200, ""},
		{"one lost", at5(func([]byte) [][]byte { return nil }), 199, "1 × no answer in 100ms"},
		{"one twice", at5(func(d []byte) [][]byte { return [][]byte{d, d} }), 200, ""},
		{"one damaged", at5(func(d []byte) [][]byte { d[40] ^= 4; return [][]byte{d} }), 199, "1 × not what was sent"},
		{"one short", at5(func(d []byte) [][]byte { return [][]byte{d[:63]} }), 199, "1 × 63 bytes instead of 64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			go func() {
				buf := make([]byte, 2048)
				for n := 0; ; n++ {
					size, peer, err := s.ReadFromUDPAddrPort(buf)
					if err != nil {
						return
					}
					for _, d := range c.answer(n, buf[:size]) {
						_, _ = s.WriteToUDPAddrPort(d, peer)
					}
				}
			}()
			l := udpLoad{To: s.LocalAddr().(*net.UDPAddr).AddrPort(), From: clientAddresses()[1], Window: 16, Size: 64, Count: 200, Limit: time.Minute, Patience: 100 * time.Millisecond}
			if !strings.Contains(c.says, "no answer") && c.name != "one short" {
				l.Patience = 10 * time.Second // a slow machine loses nothing
			}
			o, err := l.run()
			if err != nil {
				t.Fatal(err)
			}
			if o.Done != c.done || c.says == "" != (o.trouble() == "") || !strings.Contains(o.trouble(), c.says) {
				t.Errorf("%d done, %s", o.Done, o.trouble())
			}
		})
	}
}
