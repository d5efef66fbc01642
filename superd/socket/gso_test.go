package socket

import (
	"fmt"
	"net"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// inOne answers what n datagrams bring, which are there already, and returns as how many messages the answers left.
func inOne(t *testing.T, s *Socket, b *Batch, n int) int {
	t.Helper()
	if got := echoes(t, s, b, BatchSize, n); got != n {
		t.Fatalf("%d of %d datagrams at once", got, n)
	}
	return b.segmented.n
}

// Answers of one size to one peer leave together; each arrives as the datagram that it is, and so do all others.
func TestAnswersLeaveTogether(t *testing.T) {
	for _, l := range loopbacks {
		t.Run(l.name, func(t *testing.T) {
			s, b := dgram(t, l.bind), newBatch(t)
			s.wantDestinations()
			one, other := dial(t, "udp", reach(s, l.dial)), dial(t, "udp", reach(s, l.dial))
			for _, test := range []struct {
				questions []string // those to the other begin with o
				want      int      // messages
			}{
				{[]string{"1", "2", "3", "4", "5", "6", "7", "8"}, 1},
				{[]string{"1", "2", "o3", "o4", "5", "6"}, 3},
				{[]string{"1", "22", "23", "4", "", ""}, 5},
				{[]string{"1"}, 1},
				{[]string{strings.Repeat("x", largestSegment), strings.Repeat("y", largestSegment)}, 1},
				{[]string{strings.Repeat("x", largestSegment+1), strings.Repeat("y", largestSegment+1)}, 2},
			} {
				for _, q := range test.questions {
					send(t, whose(q, one, other), q)
				}
				if got := inOne(t, s, b, len(test.questions)); got != test.want {
					t.Errorf("the answers to %.20q left as %d messages, not %d", test.questions, got, test.want)
				}
				for _, q := range test.questions {
					if got := receive(t, whose(q, one, other)); got != q {
						t.Errorf("got %.20q, want %.20q", got, q)
					}
				}
			}
		})
	}
}

func whose(question string, one, other net.Conn) net.Conn {
	if strings.HasPrefix(question, "o") {
		return other
	}
	return one
}

// On a way that takes only smaller packets nothing is cut together, and all answers arrive all the same.
func TestAnswersThatCannotLeaveTogether(t *testing.T) {
	newNetwork(t)
	ctl, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(ctl)
	narrow := request(t, "lo")
	narrow.SetUint32(600)
	must(t, unix.IoctlIfreq(ctl, unix.SIOCSIFMTU, narrow))
	s, b := dgram(t, "127.0.0.1:0"), newBatch(t)
	c := dial(t, "udp", s.LocalAddr().String())
	for _, size := range []int{1000, 10} {
		for i := range 4 {
			send(t, c, fmt.Sprint(i, strings.Repeat("x", size)))
		}
		echoes(t, s, b, BatchSize, 4)
		for i := range 4 {
			if got, want := receive(t, c), fmt.Sprint(i, strings.Repeat("x", size)); got != want {
				t.Errorf("got %.20q, want %.20q", got, want)
			}
		}
		if !b.segmented.refused {
			t.Error("it goes on trying")
		}
	}
}
