package rpcbind

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"
)

var sample = Mapping{100002, 3, "udp", netip.MustParseAddrPort("0.0.0.0:832")}

func TestUniversal(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1:832": "192.0.2.1.3.64", "[::]:111": "::.0.111", "[fe80::1%lo]:65535": "fe80::1.255.255", "0.0.0.0:256": "0.0.0.0.1.0",
	} {
		if got := universal(netip.MustParseAddrPort(addr)); got != want {
			t.Errorf("%s is %s, want %s", addr, got, want)
		}
	}
}

// server is a rpcbind that does with the first record of a connection what it is told.
func server(t *testing.T, answer func(c net.Conn, call []byte)) Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if call, err := readRecord(c); err == nil {
					answer(c, call)
				}
			}()
		}
	}()
	return Client{Socket: path}
}

func reply(call []byte, words ...uint32) []byte {
	e := encoder{bytes.Clone(call[:4])}
	for _, w := range words {
		e.uint(w)
	}
	return append(binary.BigEndian.AppendUint32(nil, lastFragment|uint32(len(e.b))), e.b...)
}

func TestSet(t *testing.T) {
	var got []byte
	c := server(t, func(c net.Conn, call []byte) {
		got = call
		whole := reply(call, msgReply, accepted, 0, 0, 0, 1)
		// In two fragments, of which the first is cut off in the middle of a word.
		first := append(binary.BigEndian.AppendUint32(nil, 6), whole[4:10]...)
		second := append(binary.BigEndian.AppendUint32(nil, lastFragment|uint32(len(whole)-10)), whole[10:]...)
		c.Write(append(first, second...))
	})
	s, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if ok, err := s.Set(sample); !ok || err != nil {
		t.Fatal(ok, err)
	}
	want := encoder{}
	for _, v := range []uint32{0, 2, 100000, 4, 1, 0, 0, 0, 0, 100002, 3} {
		want.uint(v)
	}
	want.text("udp")
	want.text("0.0.0.0.3.64")
	want.text("")
	if !bytes.Equal(got[4:], want.b) {
		t.Errorf("called\n%x, want\n%x", got[4:], want.b)
	}
}

// A hostile rpcbind, or what is no rpcbind at all, is an error within the time there is.
func TestHostile(t *testing.T) {
	say := func(words ...uint32) func(net.Conn, []byte) {
		return func(c net.Conn, call []byte) { c.Write(reply(call, words...)) }
	}
	raw := func(b []byte) func(net.Conn, []byte) { return func(c net.Conn, _ []byte) { c.Write(b) } }
	for name, answer := range map[string]func(net.Conn, []byte){
		"another xid":       func(c net.Conn, call []byte) { call[0]++; c.Write(reply(call, msgReply, accepted, 0, 0, 0, 1)) },
		"a call":            say(msgCall, 2, 100000),
		"denied":            say(msgReply, denied, 1, 5),
		"no such program":   say(msgReply, accepted, 0, 0, 1),
		"unknown stat":      say(msgReply, 7, 0, 0, 0, 1),
		"a long verifier":   say(msgReply, accepted, 0, verifierMost+1, 0, 1),
		"a longer verifier": say(msgReply, accepted, 0, 0xffffffff, 0, 1),
		"a cut verifier":    say(msgReply, accepted, 0, 8, 0, 1),
		"no result":         say(msgReply, accepted, 0, 0, 0),
		"a strange bool":    say(msgReply, accepted, 0, 0, 0, 2),
		"more":              say(msgReply, accepted, 0, 0, 0, 1, 1),
		"nothing":           func(net.Conn, []byte) {},
		"silence":           func(c net.Conn, _ []byte) { io.Copy(io.Discard, c) },
		"half a head":       raw([]byte{0x80, 0}),
		"a huge record":     raw(append([]byte{0xff, 0xff, 0xff, 0xff}, make([]byte, 1<<16)...)),
		"a huge fragment":   raw(append([]byte{0x7f, 0xff, 0xff, 0xff}, make([]byte, 1<<16)...)),
		"endless fragments": raw(make([]byte, 1<<16)),
		"text":              raw([]byte("HTTP/1.0 400 Bad Request\r\n\r\n")),
	} {
		c := server(t, answer)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		s, err := c.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Set(sample); ok || err == nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		s.Close()
		cancel()
	}
}

func TestPortmapper(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	calls := make(chan []byte, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if call, err := readRecord(c); err == nil {
			calls <- call
			c.Write(reply(call, msgReply, accepted, 0, 0, 0, 0))
		}
	}()
	c := Client{Socket: filepath.Join(t.TempDir(), "none"), Portmapper: l.Addr().(*net.TCPAddr).AddrPort()}
	s, err := c.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Wide() || !s.Knows(sample) || s.Knows(Mapping{Netid: "udp6"}) {
		t.Error("it is not known for a portmapper")
	}
	if ok, err := s.Unset(sample); ok || err != nil {
		t.Error(ok, err)
	}
	want := encoder{}
	for _, v := range []uint32{0, 2, 100000, 2, 2, 0, 0, 0, 0, 100002, 3, 17, 832} {
		want.uint(v)
	}
	if got := <-calls; !bytes.Equal(got[4:], want.b) {
		t.Errorf("called\n%x, want\n%x", got[4:], want.b)
	}
	c.Portmapper = netip.MustParseAddrPort("127.0.0.1:1")
	if _, err := c.Open(t.Context()); err == nil {
		t.Error("nobody is there, and no error")
	}
}

// FuzzReply: whatever comes back is an answer or an error, and never costs more than a reply may.
func FuzzReply(f *testing.F) {
	f.Add(reply(make([]byte, 4), msgReply, accepted, 0, 0, 0, 1))
	f.Add(reply(make([]byte, 4), msgReply, accepted, 0, 5, 1, 2, 0, 1))
	f.Add([]byte{0, 0, 0, 0, 0x80, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		record, err := readRecord(bytes.NewReader(b))
		if err != nil {
			return
		}
		if len(record) > replyMost {
			t.Fatalf("%d bytes", len(record))
		}
		rest, err := result(0, record)
		if err != nil {
			return
		}
		if _, err := truth(rest); err != nil && !errors.Is(err, errReply) {
			t.Error(err)
		}
	})
}
