package superd

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// slowNames answers when told to, and counts how often it was asked.
func slowNames(t *testing.T) (n *names, asked chan netip.Addr, reply chan answer) {
	asked, reply = make(chan netip.Addr, bookLimit), make(chan answer)
	n = newNames()
	n.lookup = func(ctx context.Context, addr netip.Addr) answer {
		asked <- addr
		select {
		case a := <-reply:
			return a
		case <-ctx.Done():
			return answer{err: ctx.Err()}
		case <-t.Context().Done():
			return answer{}
		}
	}
	return n, asked, reply
}

var somebody = netip.MustParseAddr("192.0.2.1")

func TestNamesOneLookupForAll(t *testing.T) {
	n, asked, reply := slowNames(t)
	now := time.Now()
	got := make(chan []string, 3)
	for range 3 {
		if !n.resolve(somebody, now, func(a answer) { got <- a.names }) {
			t.Fatal("refused")
		}
	}
	<-asked
	reply <- answer{names: []string{"a.example"}}
	for range 3 {
		if names := <-got; !slices.Equal(names, []string{"a.example"}) {
			t.Errorf("got %v", names)
		}
	}
	if a, known := n.cached(somebody, now); !known || len(a.names) != 1 {
		t.Errorf("afterwards it knows %v, %v", a, known)
	}
	if len(asked) != 0 {
		t.Error("it asked again")
	}
}

func TestNamesGrowOld(t *testing.T) {
	n, asked, reply := slowNames(t)
	got := make(chan answer, 1)
	n.resolve(somebody, time.Now(), func(a answer) { got <- a })
	<-asked
	reply <- answer{err: errors.New("server misbehaving")}
	if a := <-got; a.err == nil {
		t.Error("a failed lookup passes for one without names")
	}
	if _, known := n.cached(somebody, time.Now().Add(failureTTL/2)); !known {
		t.Error("a failure is forgotten at once, so that each connection asks the dead resolver")
	}
	if _, known := n.cached(somebody, time.Now().Add(failureTTL+time.Second)); known {
		t.Error("a failure is never forgotten")
	}
	<-asked // the last line began a new lookup
	reply <- answer{}
}

func TestNamesBounded(t *testing.T) {
	n, asked, reply := slowNames(t)
	now := time.Now()
	var served sync.WaitGroup
	for range waiterLimit {
		served.Add(1)
		if !n.resolve(somebody, now, func(answer) { served.Done() }) {
			t.Fatal("refused too early")
		}
	}
	if n.resolve(somebody, now, func(answer) { t.Error("called all the same") }) {
		t.Error("one more than waiterLimit waits")
	}
	<-asked
	reply <- answer{}
	served.Wait()
}

// A connection that has to queue behind its lookup must not hold up the others of its address.
func TestNamesWaitersDoNotBlockEachOther(t *testing.T) {
	n, asked, reply := slowNames(t)
	block, second := make(chan struct{}), make(chan struct{})
	n.resolve(somebody, time.Now(), func(answer) { <-block })
	n.resolve(somebody, time.Now(), func(answer) { close(second) })
	<-asked
	reply <- answer{}
	<-second
	close(block)
}

func TestNamesBookForgets(t *testing.T) {
	n := newNames()
	n.lookup = func(context.Context, netip.Addr) answer { return answer{} }
	a := somebody
	for range bookLimit + 100 {
		done := make(chan struct{})
		if !n.resolve(a, time.Now(), func(answer) { close(done) }) {
			t.Fatal("refused")
		}
		<-done
		a = a.Next()
	}
	if len(n.book) > bookLimit {
		t.Errorf("the book has %d entries", len(n.book))
	}
}

func TestConfirmedNames(t *testing.T) {
	a := confirmedNames(t.Context(), netip.MustParseAddr("127.0.0.1"))
	if a.err != nil {
		t.Fatal(a.err)
	}
	if !slices.Contains(a.names, "localhost") {
		t.Skipf("the hosts file does not call 127.0.0.1 localhost but %v", a.names)
	}
}
