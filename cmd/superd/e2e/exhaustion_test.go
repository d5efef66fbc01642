package e2e

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	crowdSize = 100

	// While something has run out, superd may wake up and look, but not spin: so much CPU in so much time.
	watchTime = 3 * time.Second
	idleCPU   = 300 * time.Millisecond
)

// TestOutOfDescriptors: with 32 descriptors and 100 clients, superd waits without spinning, loses no listener and no
// place, and goes on by itself when clients leave.
func TestOutOfDescriptors(t *testing.T) {
	s := newSite(t)
	services := builtinEcho + catService(t)
	s.config(usual + services)
	d := s.launch(exec.Command("/bin/sh", append([]string{"-c", `ulimit -n 32; exec "$0" "$@"`}, s.command().Args...)...))
	expect(t, s.at(7007), "echo", "echo")
	expect(t, s.at(7008), "cat", "cat")
	fds := fdsOf(t, d.pid)

	crowd := gather(t, s.at(7007))
	d.waitLog(`\bEXHAUSTED\b`)
	idles(t, d)
	if _, err := io.ReadFull(crowd[0], make([]byte, 1)); err != nil {
		t.Errorf("a client from before is not served: %v", err)
	}
	waiting := mustDial(t, s.at(7008)) // in the backlog; it is served when there is room
	disperse(crowd)

	d.waitLog(`\bRECOVERED\b`)
	if _, err := io.WriteString(waiting, "waited"); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(waiting, make([]byte, len("waited"))); err != nil {
		t.Errorf("a client that waited is not served: %v", err)
	}
	_ = waiting.Close()
	heals(t, s, d, services)
	eventually(t, patience, "superd holds no more descriptors than before", func() bool {
		return len(fdsOf(t, d.pid)) <= len(fds)
	})
}

// TestOutOfProcesses: an ordinary user's superd that can start no further program serves its builtins, waits without
// spinning, and goes on by itself.
func TestOutOfProcesses(t *testing.T) {
	needRoot(t)
	const uid = 54_321 // a user with nothing else running: the limit counts all of a user's threads
	prlimit := need(t, "prlimit")
	s := newSite(t)
	services := builtinEcho + strings.Replace(catService(t), unprivileged(), "", 1)
	s.config(usual + services)
	cmd := exec.Command(prlimit, append([]string{"--nproc=48"}, s.command().Args...)...)
	ordinary(cmd, uid)
	d := s.launch(cmd)
	expect(t, s.at(7007), "echo", "echo")
	expect(t, s.at(7008), "cat", "cat")

	crowd := gather(t, s.at(7008))
	d.waitLog(`\bEXHAUSTED\b`)
	idles(t, d)
	expect(t, s.at(7007), "echo", "echo")
	if _, err := io.ReadFull(crowd[0], make([]byte, 1)); err != nil {
		t.Errorf("a client from before is not served: %v", err)
	}
	disperse(crowd)
	d.waitLog(`\bRECOVERED\b`)
	heals(t, s, d, services)
	eventually(t, patience, "no child is left", func() bool { return len(childrenOf(d.pid)) == 0 })
}

// TestGivesUpOutOfProcesses: a client for whom there is no process is refused in the end. That there are some again is said when
// the next one comes, and the service is well.
func TestGivesUpOutOfProcesses(t *testing.T) {
	needRoot(t)
	const uid = 54_323
	prlimit := need(t, "prlimit")
	s := newSite(t)
	cat := strings.Replace(catService(t), unprivileged(), "", 1)
	other := strings.NewReplacer("cat\" {", "other\" {", "7008", "7009").Replace(cat)
	s.config(usual + cat + other)
	cmd := exec.Command(prlimit, append([]string{"--nproc=48"}, s.command().Args...)...)
	ordinary(cmd, uid)
	d := s.launch(cmd)

	crowd := gather(t, s.at(7009))
	d.waitLog(`\bEXHAUSTED service=other\b`)
	refused := mustDial(t, s.at(7008))
	d.waitLog(`\bEXHAUSTED service=cat\b`)
	if got, err := io.ReadAll(refused); len(got) > 0 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	d.waitLog(`\bREFUSE service=cat\b.*\bverdict=fork\b`)
	disperse(crowd)
	d.waitLog(`\bRECOVERED service=other\b`)
	expect(t, s.at(7008), "cat", "cat")
	d.waitLog(`\bRECOVERED service=cat\b`)
}

// TestManyServicesOutOfProcesses: forks of many services that fail at once need many threads, of which there are none to be had.
func TestManyServicesOutOfProcesses(t *testing.T) {
	needRoot(t)
	const uid, services, each = 54_322, 60, 3
	prlimit := need(t, "prlimit")
	s := newSite(t)
	cat := strings.Replace(catService(t), unprivileged(), "", 1)
	s.config(usual + builtinEcho + strings.Replace(cat, "7008", fmt.Sprintf(`"7100-%d"`, 7100+services-1), 1))
	cmd := exec.Command(prlimit, append([]string{"--nproc=64"}, s.command().Args...)...)
	ordinary(cmd, uid)
	d := s.launch(cmd)

	var dialling sync.WaitGroup
	crowd := make([]net.Conn, services*each)
	for i := range crowd {
		dialling.Go(func() { crowd[i] = mustDial(t, s.at(7100+i%services)) })
	}
	dialling.Wait()
	d.waitLog(`\bEXHAUSTED\b`)
	idles(t, d)
	expect(t, s.at(7007), "echo", "echo")
	disperse(crowd)
	d.waitLog(`\bRECOVERED\b`)
	expect(t, s.at(7100), "cat", "cat")
}

// gather connects a crowd of clients, each of which says one byte and stays.
func gather(t *testing.T, addr string) []net.Conn {
	t.Helper()
	var crowd []net.Conn
	for range crowdSize {
		c := mustDial(t, addr)
		if _, err := c.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		crowd = append(crowd, c)
	}
	return crowd
}

func disperse(crowd []net.Conn) {
	for _, c := range crowd {
		_ = c.Close()
	}
}

// idles watches the daemon for a while and fails the test if it burns CPU.
func idles(t *testing.T, d *daemon) {
	t.Helper()
	before, err := readProcess(d.pid)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(watchTime)
	after, err := readProcess(d.pid)
	if err != nil {
		t.Fatal(err)
	}
	if used := after.cpu - before.cpu; used > idleCPU {
		t.Errorf("superd used %v of CPU in %v while it could do nothing", used, watchTime)
	}
}

// heals expects both services to serve again, and, after a reload to instances = 1, that no place is taken by a ghost.
func heals(t *testing.T, s *site, d *daemon, services string) {
	t.Helper()
	d.healthy()
	eventually(t, patience, "both services serve", func() bool { return serves(s) })
	for range 20 {
		expect(t, s.at(7007), "echo", "echo")
		expect(t, s.at(7008), "cat", "cat")
	}
	s.config(strings.Replace(usual, "cps ", "instances = 1\n  cps ", 1) + services)
	d.reload()
	eventually(t, patience, "one client at a time is served: no place is lost", func() bool { return serves(s) })
}

func serves(s *site) bool {
	for _, port := range []int{7007, 7008} {
		if answer, err := talk(s.at(port), "hello"); err != nil || answer != "hello" {
			return false
		}
	}
	return true
}
