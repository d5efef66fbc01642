package superd

import (
	"net"
	"net/netip"
	"testing"

	"superd/superd/config"
	"superd/superd/socket"
)

// Starts run aside only while somebody waits to be accepted and nothing is wrong, and never more than a few.
func TestAside(t *testing.T) {
	sock, err := socket.Open(config.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:0")}, config.SocketOptions{}, socket.Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	l := &listener{sock: sock, svc: &service{id: "door"}, mode: acceptProgram, done: make(chan struct{})}
	if l.aside(func() {}) {
		t.Error("aside with nobody waiting")
	}
	client, err := net.Dial("tcp", sock.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	l.ailing.Store(&ailment{reason: "no processes"})
	if l.aside(func() {}) {
		t.Error("aside while starts fail")
	}
	l.ailing.Store(nil)
	under, end := make(chan struct{}), make(chan struct{})
	for range mostAside {
		if !l.aside(func() { under <- struct{}{}; <-end }) {
			t.Error("not aside with somebody waiting")
		}
		<-under
	}
	if l.aside(func() {}) {
		t.Error("more aside than there should be")
	}
	close(end)
	l.starts.Wait()
	if !l.aside(func() {}) {
		t.Error("no longer aside")
	}
	l.starts.Wait()
}
