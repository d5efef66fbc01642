package socket

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

func newBatch(t testing.TB) *Batch {
	t.Helper()
	b, err := NewBatch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// echoes answers what comes with itself until n datagrams have been answered, and returns how many came at once.
func echoes(t testing.TB, s *Socket, b *Batch, most, n int) (largest int) {
	t.Helper()
	watchdog := time.AfterFunc(patience, s.Interrupt)
	defer watchdog.Stop()
	for n > 0 {
		if err := s.Receive(b, most); err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			d := s.Datagram(b, i)
			s.Answer(b, i, &d, append(b.Room(i), d.Data...))
		}
		s.SendAll(b)
		n -= b.Len()
		largest = max(largest, b.Len())
	}
	return largest
}

func TestBatch(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s, b := dgram(t, l.bind), newBatch(t)
			s.wantDestinations()
			for _, most := range []int{BatchSize, 1, 100} {
				c := dial(t, "udp", reach(s, l.dial)) // connected: hears only the address it asked
				for i := range 40 {
					send(t, c, fmt.Sprint("question ", i))
				}
				if largest := echoes(t, s, b, most, 40); largest != min(most, BatchSize) {
					t.Errorf("%d at once, of %d", largest, most)
				}
				for i := range 40 {
					if got, want := receive(t, c), fmt.Sprint("question ", i); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				}
			}
		})
	}
}

// Each datagram has as much room as UDP can carry, and so has each answer.
func TestBatchOfLargeDatagrams(t *testing.T) {
	s, b := dgram(t, "127.0.0.1:0"), newBatch(t)
	c := dial(t, "udp", s.LocalAddr().String())
	for _, size := range []int{0, 1, 65507} {
		text := bytes.Repeat([]byte{byte(size)}, size)
		for range 2 {
			send(t, c, string(text))
		}
		echoes(t, s, b, BatchSize, 2)
		for range 2 {
			got := make([]byte, 1<<16)
			n, err := c.Read(got)
			if err != nil || !bytes.Equal(got[:n], text) {
				t.Errorf("%d bytes of %d, %v", n, size, err)
			}
		}
	}
}

// An answer that cannot be sent takes no other along.
func TestBatchWithAnAnswerThatCannotBeSent(t *testing.T) {
	s, b := dgram(t, "0.0.0.0:0"), newBatch(t)
	c := dial(t, "udp", reach(s, "127.0.0.2"))
	for i := range 5 {
		send(t, c, fmt.Sprint(i))
	}
	for n := 0; n < 5; n += b.Len() {
		if err := s.Receive(b, BatchSize); err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			d := s.Datagram(b, i)
			if string(d.Data) == "2" {
				d.To.Source = netip.MustParseAddr("192.0.2.1") // not ours
			}
			s.Answer(b, i, &d, append(b.Room(i), d.Data...))
		}
		s.SendAll(b)
	}
	for _, want := range []string{"0", "1", "3", "4"} {
		if got := receive(t, c); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestReceiveIsInterrupted(t *testing.T) {
	s, b := dgram(t, "127.0.0.1:0"), newBatch(t)
	time.AfterFunc(time.Millisecond, s.Interrupt)
	if err := s.Receive(b, BatchSize); err != ErrInterrupted {
		t.Errorf("%v", err)
	}
	s.Resume()
	s.Close()
	if err := s.Receive(b, BatchSize); err != ErrClosed {
		t.Errorf("%v", err)
	}
}

func TestBatchAllocatesNothing(t *testing.T) {
	s, b := dgram(t, "0.0.0.0:0"), newBatch(t)
	s.wantDestinations()
	c := dial(t, "udp", reach(s, "127.0.0.1"))
	var got [10]byte
	if n := testing.AllocsPerRun(100, func() {
		send(t, c, "question")
		echoes(t, s, b, BatchSize, 1)
		_, _ = c.Read(got[:])
	}); n > 5 { // of the test's own: the watchdog, and what net does
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkBatch is a window of 32 datagrams there and back.
func BenchmarkBatch(b *testing.B) {
	s, err := Open(endpoint(config.Dgram, "127.0.0.1:0"), config.SocketOptions{}, Sharing{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := newBatch(b)
	c, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer unix.Close(c)
	if err := unix.Connect(c, sockaddr(s.LocalAddr())); err != nil {
		b.Fatal(err)
	}
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		for range BatchSize {
			_, _ = unix.Write(c, buf[:])
		}
		for n := 0; n < BatchSize; n += batch.Len() {
			if err := s.Receive(batch, BatchSize); err != nil {
				b.Fatal(err)
			}
			for i := range batch.Len() {
				d := s.Datagram(batch, i)
				s.Answer(batch, i, &d, append(batch.Room(i), d.Data...))
			}
			s.SendAll(batch)
		}
		for range BatchSize {
			_, _ = unix.Read(c, buf[:])
		}
	}
}
