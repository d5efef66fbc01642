package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const root = "../../.." // of the repository

// The ports of the shipped builtins, and of hello.
const (
	echoPort, discardPort, daytimePort, chargenPort, timePort = 7, 9, 13, 19, 37

	helloPort = 20001
)

// TestShippedConfig runs superd.hcl and conf.d as they stand in the tree, as an ordinary user: what a beginner does first.
func TestShippedConfig(t *testing.T) {
	nc := need(t, "nc")
	s := newSite(t)
	d, offset := startShipped(t, s)
	for _, host := range []string{"127.0.0.1", "::1"} {
		at := func(port int) string { return net.JoinHostPort(host, strconv.Itoa(port+offset)) }
		t.Run("tcp/"+host, func(t *testing.T) { shippedStream(t, at) })
		t.Run("udp/"+host, func(t *testing.T) { shippedDgram(t, at) })
		t.Run("nc/"+host, func(t *testing.T) {
			if text := client(t, nc, "-d", host, strconv.Itoa(daytimePort+offset)); !daytime.MatchString(text) {
				t.Errorf("nc prints %q", text)
			}
		})
	}
	if text := client(t, nc, "-d", "localhost", strconv.Itoa(daytimePort+offset)); !daytime.MatchString(text) {
		t.Errorf("nc localhost prints %q", text)
	}
	if failed := d.matching(0, regexp.MustCompile("BIND-FAILED|WARNING")); len(failed) > 0 {
		t.Errorf("the first start complains: %q", failed)
	}
}

// TestHello switches the shipped example on under a running superd.
func TestHello(t *testing.T) {
	s := newSite(t)
	d, offset := startShipped(t, s)
	old := mustDial(t, fmt.Sprintf("127.0.0.1:%d", echoPort+offset))

	file := s.path("conf.d/hello.hcl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	on := regexp.MustCompile(`(?m)^(\s*disable\s*=\s*)true`).ReplaceAllString(string(text), "${1}false")
	if on == string(text) {
		t.Fatalf("%s is not switched off", file)
	}
	if os.Getuid() != 0 { // nobody is for root to become
		on = regexp.MustCompile(`(?m)^\s*user\s*=.*\n`).ReplaceAllString(on, "")
	}
	s.write("conf.d/hello.hcl", on)
	d.reload()

	for _, host := range []string{"127.0.0.1", "::1"} {
		answer, err := talk(net.JoinHostPort(host, strconv.Itoa(helloPort+offset)), "it's * me; $HOME\n")
		if err != nil || !strings.HasPrefix(answer, "Hello, world!\n") {
			t.Errorf("hello answers %q, %v", answer, err)
		}
		if want := "Your message from " + host + " was: it's * me; $HOME\n"; !strings.HasSuffix(answer, want) {
			t.Errorf("hello answers %q, not %q", answer, want)
		}
	}
	if _, err := io.WriteString(old, "still here"); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, len("still here"))
	if _, err := io.ReadFull(old, echo); err != nil || string(echo) != "still here" {
		t.Errorf("the connection from before the reload echoes %q, %v", echo, err)
	}
}

// startShipped runs the shipped configuration from a copy that an ordinary user can read.
func startShipped(t *testing.T, s *site) (d *daemon, offset int) {
	t.Helper()
	if err := os.CopyFS(s.path("conf.d"), os.DirFS(filepath.Join(root, "conf.d"))); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "superd.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("superd.hcl", string(text))
	offset = freeOffset(t)
	cmd := s.command("--port-offset", strconv.Itoa(offset))
	ordinary(cmd, 65534)
	return s.launch(cmd), offset
}

// ordinary makes cmd run as an ordinary user, if that is for us to choose.
func ordinary(cmd *exec.Cmd, uid uint32) {
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	}
}

// freeOffset finds a --port-offset at which the shipped ports are free on both loopback addresses.
func freeOffset(t *testing.T) int {
	t.Helper()
	for range 100 {
		offset := 1100 + rand.IntN(10_000)
		if portsFree(t, offset, echoPort, discardPort, daytimePort, chargenPort, timePort, helloPort) {
			return offset
		}
	}
	t.Fatal("no free ports")
	return 0
}

func portsFree(t *testing.T, offset int, ports ...int) bool {
	t.Helper()
	for _, host := range []string{"127.0.0.1", "::1"} {
		if l, err := net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			lack(t, "the loopback address %s is missing: %v", host, err)
		} else {
			_ = l.Close()
		}
		for _, port := range ports {
			addr := net.JoinHostPort(host, strconv.Itoa(port+offset))
			l, err := net.Listen("tcp", addr)
			if err != nil {
				return false
			}
			_ = l.Close()
			p, err := net.ListenPacket("udp", addr)
			if err != nil {
				return false
			}
			_ = p.Close()
		}
	}
	return true
}

var daytime = regexp.MustCompile(`\d\d:\d\d:\d\d.*\r?\n$`)

func shippedStream(t *testing.T, at func(int) string) {
	expect(t, at(echoPort), "Hello\r\n\x00", "Hello\r\n\x00")
	expect(t, at(discardPort), "into the void", "")
	if text, err := talk(at(daytimePort), ""); err != nil || !daytime.MatchString(text) {
		t.Errorf("daytime: %q, %v", text, err)
	}
	number, err := talk(at(timePort), "")
	checkTime(t, []byte(number), err)
	c := mustDial(t, at(chargenPort))
	line := make([]byte, 74)
	if _, err := io.ReadFull(c, line); err != nil || string(line[72:]) != "\r\n" {
		t.Errorf("chargen: %q, %v", line, err)
	}
}

func shippedDgram(t *testing.T, at func(int) string) {
	if text, err := ask(at(echoPort), "Hello\r\n\x00"); err != nil || string(text) != "Hello\r\n\x00" {
		t.Errorf("echo: %q, %v", text, err)
	}
	if text, err := ask(at(daytimePort), "?"); err != nil || !daytime.Match(text) {
		t.Errorf("daytime: %q, %v", text, err)
	}
	number, err := ask(at(timePort), "?")
	checkTime(t, number, err)
	if text, err := ask(at(chargenPort), "?"); err != nil || len(text) > 512 {
		t.Errorf("chargen: %d bytes, %v", len(text), err)
	}
	c, err := net.Dial("udp", at(discardPort))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.WriteString(c, "into the void")
	_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); !os.IsTimeout(err) {
		t.Errorf("discard answers %d bytes, %v", n, err)
	}
}

// checkTime judges an answer of RFC 868: seconds since 1900 in network byte order.
func checkTime(t *testing.T, answer []byte, err error) {
	t.Helper()
	const from1900to1970 = 2_208_988_800
	if err != nil || len(answer) != 4 {
		t.Errorf("time: % x, %v", answer, err)
		return
	}
	then := time.Unix(int64(binary.BigEndian.Uint32(answer))-from1900to1970, 0)
	if off := time.Since(then); off < -2*time.Second || off > patience {
		t.Errorf("time is %v, which is off by %v", then, off)
	}
}

// ask sends one datagram and returns the answer.
func ask(addr, text string) ([]byte, error) {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		return nil, err
	}
	answer := make([]byte, 1<<16)
	n, err := c.Read(answer)
	return answer[:n], err
}
