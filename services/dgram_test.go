package services

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"
)

func TestTable(t *testing.T) {
	last := ""
	for _, b := range All() {
		if b.Name <= last || b.RFC == "" || !b.Streams() || b.Stream != nil && b.Page != nil || (b.Dgram == nil) != slices.Contains([]string{"metrics", "status", "tcpmux"}, b.Name) {
			t.Errorf("row %+v: out of order or incomplete", b)
		}
		last = b.Name
		if got, ok := Lookup(b.Name); !ok || got.Port != b.Port {
			t.Errorf("Lookup(%q) = %+v, %v", b.Name, got, ok)
		}
		if b.Dgram != nil && !LoopPort(b.Port) {
			t.Errorf("%s on two machines can be made to talk to each other: LoopPort(%d) is false", b.Name, b.Port)
		}
	}
	for _, name := range []string{"", "ECHO", "no-such"} {
		if _, ok := Lookup(name); ok {
			t.Errorf("Lookup(%q) found something", name)
		}
	}
	All()[0].Name = "changed"
	if builtins[0].Name == "changed" {
		t.Error("All gives its table away")
	}
}

func TestLoopPort(t *testing.T) {
	for _, port := range []uint16{0, 7, 9, 11, 13, 17, 19, 37, 53, 69, 123} {
		if !LoopPort(port) {
			t.Errorf("%d would be answered", port)
		}
	}
	for _, port := range []uint16{1, 8, 22, 1023, 1024, 10007, 32768, 65535} {
		if LoopPort(port) {
			t.Errorf("%d would not be answered", port)
		}
	}
}

func TestDaytimeDgram(t *testing.T) {
	east := time.FixedZone("CEST", 2*3600)
	for want, now := range map[string]time.Time{
		"22 NOV 2026 12:31:42 UTC\r\n":  time.Date(2026, 11, 22, 12, 31, 42, 999, time.UTC),
		"01 FEB 2028 00:00:09 CEST\r\n": time.Date(2028, 2, 1, 0, 0, 9, 0, east),
	} {
		if got := string(appendDaytime(nil, now)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The first five stand in RFC 868; the last is the second after the count has started anew.
func TestTimeDgram(t *testing.T) {
	for want, now := range map[uint32]time.Time{
		2208988800:         time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC),
		2398291200:         time.Date(1976, 1, 1, 0, 0, 0, 0, time.UTC),
		2524521600:         time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC),
		2629584000:         time.Date(1983, 5, 1, 0, 0, 0, 0, time.UTC),
		1<<32 - 1297728000: time.Date(1858, 11, 17, 0, 0, 0, 0, time.UTC),
		1<<32 - 1:          time.Date(2036, 2, 7, 6, 28, 15, 0, time.UTC),
		1:                  time.Date(2036, 2, 7, 6, 28, 17, 0, time.UTC),
	} {
		if got := appendTime(nil, now); len(got) != 4 || binary.BigEndian.Uint32(got) != want {
			t.Errorf("%v: got %x, want %x", now, got, want)
		}
	}
}

func TestChargenDgram(t *testing.T) {
	got := chargenDgram(nil, []byte("x"), time.Now())
	if len(got) != 6*74 || !bytes.HasPrefix(chargenCycle, got) {
		t.Errorf("%d bytes, want six whole lines: %q", len(got), got)
	}
}

// The most that each builtin promises to answer, whatever it is asked.
func FuzzDgram(f *testing.F) {
	f.Add([]byte(nil), int64(0))
	f.Add([]byte("hello\x00\xff"), int64(1)<<40)
	f.Add(make([]byte, 65507), int64(-1)<<33)
	f.Fuzz(func(t *testing.T, request []byte, sec int64) {
		now := time.Unix(sec%(1<<37), 0).UTC()
		most := map[string]int{"echo": len(request), "discard": 0, "daytime": 40, "time": 4, "chargen": 512}
		reply := append(make([]byte, 0, 65507), "left over from the answer before"...)
		asked := bytes.Clone(request)
		for _, b := range dgrams() {
			got := b.Dgram(reply, request, now)
			if len(got) > most[b.Name] {
				t.Errorf("%s answers %d bytes, promised %d", b.Name, len(got), most[b.Name])
			}
			if b.Name == "echo" && !bytes.Equal(got, request) {
				t.Errorf("echo of %q is %q", request, got)
			}
			if len(request) < 65507 && got != nil && &got[:1][0] != &reply[:1][0] {
				t.Errorf("%s did not write into reply", b.Name)
			}
		}
		if !bytes.Equal(request, asked) {
			t.Error("a builtin wrote into the request")
		}
	})
}

func TestDgramAllocates(t *testing.T) {
	reply, request, now := make([]byte, 0, 65507), []byte("x"), time.Now()
	for _, b := range dgrams() {
		if n := testing.AllocsPerRun(100, func() { b.Dgram(reply, request, now) }); n > 1 || n > 0 && b.Name != "daytime" {
			t.Errorf("%s allocates %v times an answer", b.Name, n)
		}
	}
}

// dgrams are the builtins for UDP.
func dgrams() []Builtin {
	return slices.DeleteFunc(All(), func(b Builtin) bool { return b.Dgram == nil })
}
