package event

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestFeed: the last events are there, in their order, and no more of them.
func TestFeed(t *testing.T) {
	var f Feed
	if got := f.Last(); len(got) != 0 {
		t.Fatalf("%d events of an empty feed", len(got))
	}
	f.Add(Event{})
	for i := range feedSize + 10 {
		f.Add(Warn(fmt.Sprint("s", i%2), fmt.Sprint(i)))
	}
	got := f.Last()
	if len(got) != feedSize {
		t.Fatalf("%d events", len(got))
	}
	for i, r := range got {
		if want := fmt.Sprintf("reason=%d", i+10); r.Event.Summary() != want {
			t.Fatalf("event %d is %q, want %q", i, r.Event.Summary(), want)
		}
	}
	f.Start(Start{Service: "s1", ConnID: 1})
	latest := f.Latest()
	if e := latest["s1"].Event; e.Name() != "WARNING" || e.Summary() != fmt.Sprintf("reason=%d", feedSize+9) {
		t.Errorf("the latest of s1 is %s %s", e.Name(), e.Summary())
	}
}

// TestFeedKeepsEverything: what a log's flags keep out is there, and what filters go by can be told.
func TestFeedKeepsEverything(t *testing.T) {
	var f Feed
	f.Refuse(Refuse{Service: "ftp", ConnID: 3, Verdict: "cps", Peer: netip.MustParseAddrPort("192.0.2.7:1024")})
	r := f.Last()[0]
	if r.Event.Service() != "ftp" || r.Event.Verdict() != "cps" || r.Event.Name() != "REFUSE" {
		t.Errorf("%+v", r.Event)
	}
	if text := string(r.Line(false)); !strings.HasSuffix(text, "REFUSE service=ftp conn=3 verdict=cps from=192.0.2.7 port=1024\n") {
		t.Errorf("%q", text)
	}
	if text := string(r.Line(true)); !strings.Contains(text, `"event":"REFUSE","service":"ftp"`) || !strings.HasSuffix(text, "}\n") {
		t.Errorf("%q", text)
	}
}

// TestFollow: a reader gets what comes while it reads; one that is too slow gets a LOST with the right number, and whoever
// adds waits for neither.
func TestFollow(t *testing.T) {
	var f Feed
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	var fast atomic.Int64
	slow := 0
	slowly, stuck := make(chan struct{}), make(chan struct{})
	readers.Go(func() {
		_ = f.Read(ctx, true, func(r Reading) error {
			if r.Event.Name() == "LOST" {
				t.Errorf("the fast reader lost %s", r.Event.Summary())
			}
			fast.Add(1)
			return nil
		})
	})
	readers.Go(func() {
		err := f.Read(ctx, true, func(r Reading) error {
			if slow == 0 {
				close(stuck)
				<-slowly
			}
			switch r.Event.Name() {
			case "LOST":
				n := 0
				fmt.Sscanf(r.Event.Summary(), "count=%d", &n)
				slow += n
			default:
				slow++
			}
			if slow == 3*feedSize {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Errorf("the slow reader: %v", err)
		}
	})
	for i := range 3 * feedSize {
		f.Add(Warn("", fmt.Sprint(i)))
		if i == 0 {
			<-stuck
		}
		for int64(i)-fast.Load() > feedSize/2 {
			runtime.Gosched() // so that the fast reader is
		}
	}
	close(slowly)
	for fast.Load() < 3*feedSize {
		runtime.Gosched()
	}
	cancel()
	readers.Wait()
	if slow != 3*feedSize {
		t.Errorf("the slow reader saw or lost %d of %d", slow, 3*feedSize)
	}
}

var errEnough = errors.New("enough")

func BenchmarkFeed(b *testing.B) {
	var f Feed
	c := Start{Service: "echo-stream", ConnID: 17, Pid: 4242, Peer: netip.MustParseAddrPort("192.0.2.7:51234"), Local: netip.MustParseAddrPort("192.0.2.1:7")}
	b.ReportAllocs()
	for b.Loop() {
		f.Start(c)
	}
}
