package superd

import (
	"net"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
	"superd/superd/systemd"
)

// TestWatchdogIsAnsweredWhileSomebodyOpens: an empty queue, a queue that gets shorter, and one that has to wait are well; a
// queue that nobody looks at for a whole interval is not, until somebody does.
func TestWatchdogIsAnsweredWhileSomebodyOpens(t *testing.T) {
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer notify.Close()
	t.Setenv("NOTIFY_SOCKET", notify.LocalAddr().String())
	answered := func() bool {
		buf := make([]byte, 100)
		_ = notify.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, err := notify.Read(buf)
		return err == nil && string(buf[:n]) == systemd.Watchdog
	}
	var log safeBuffer
	hub := event.NewHub(&log)
	sink, err := hub.Open(config.LogTarget{})
	if err != nil {
		t.Fatal(err)
	}
	h := &host{}
	h.log.Store(sink)
	h.store = newStore(systemd.New(), func(err error) { t.Error(err) })
	sock, err := socket.Open(config.Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:0")}, config.SocketOptions{}, socket.Sharing{})
	if err != nil {
		t.Fatal(err)
	}
	defer sock.Close()
	l := &listener{sock: sock, svc: &service{id: "door"}}
	s := &supervisor{host: h, sockets: map[config.Endpoint]*listener{{}: l}}
	w := newWatchdog(time.Hour)
	defer w.timer.Stop()
	expect := func(what string, want bool) {
		t.Helper()
		w.answer(s)
		if got := answered(); got != want {
			t.Errorf("%s: answered %v, want %v", what, got, want)
		}
	}
	expect("nobody waits", true)
	c, err := net.Dial("tcp", sock.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	eventually(t, "the client waits", sock.Waiting)
	expect("somebody has just come", true)
	l.pulse.beat()
	expect("another was taken up meanwhile", true)
	end := l.pulse.rest()
	expect("the service has to wait", true)
	expect("and still has", true)
	end()
	expect("it has just gone on", true)
	expect("nobody opens", false)
	expect("nor now", false)
	l.pulse.beat()
	expect("the listener is alive again", true)
	hub.Close(time.Second)
	if n := strings.Count(log.String(), "service=door"); n != 1 {
		t.Errorf("said %d times, not once:\n%s", n, log.String())
	}
}

func TestWatchdogThatNobodyWants(t *testing.T) {
	w := newWatchdog(0)
	select {
	case <-w.timer.C:
		t.Error("it wakes the daemon")
	case <-time.After(10 * time.Millisecond):
	}
}

// TestStatusIsThrottled: the loop is told once of whatever happens until it has looked, and never where there is no manager.
func TestStatusIsThrottled(t *testing.T) {
	b := bustle{heard: make(chan struct{}, 1)}
	for range 100 {
		b.stir()
	}
	<-b.heard
	select {
	case <-b.heard:
		t.Error("told twice")
	default:
	}
	b.stirred.Store(false) // it has looked
	b.stir()
	<-b.heard
	b.stirred.Store(false) // it has looked for another reason, with the next word under way
	b.stir()
	b.stirred.Store(false)
	b.stir() // does not wait
	var nobody bustle
	nobody.stir()
	if n := testing.AllocsPerRun(100, b.stir); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
