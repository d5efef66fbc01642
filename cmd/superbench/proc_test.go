package main

import (
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	// A name may contain anything, even what looks like the rest of the line.
	line := "4242 (a) S 1 (b)) S 1 4242 4242 0 -1 4194560 900 1234 0 0 37 113 205 51 20 0 17 0 5000 1300000000 2500 18446744073709551615\n"
	var u usage
	if err := u.parseStat([]byte(line)); err != nil {
		t.Fatal(err)
	}
	if u.Self != 1500*time.Millisecond || u.Children != 2560*time.Millisecond {
		t.Errorf("self %v, children %v", u.Self, u.Children)
	}
	for _, bad := range []string{"", "1 (x) S", "1 x S 1 1 1 0 -1 0 0 0 0 0 1 1 1 1 20", "1 (x) S 1 1 1 0 -1 0 0 0 0 0 a 1 1 1 20 0 1 0"} {
		if err := u.parseStat([]byte(bad)); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestParseStatus(t *testing.T) {
	text := "Name:\tsuperd\nVmPeak:\t 1300000 kB\nVmHWM:\t   12340 kB\nVmRSS:\t    9876 kB\nThreads:\t17\nvoluntary_ctxt_switches:\t100\nnonvoluntary_ctxt_switches:\t23\n"
	var u usage
	for range 2 { // the second time adds nothing to the first
		if err := u.parseStatus([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if want := (usage{Peak: 12340 << 10, RSS: 9876 << 10, Threads: 17, Switches: 123}); u != want {
		t.Errorf("%+v, want %+v", u, want)
	}
	if err := u.parseStatus([]byte("Threads:\tmany\n")); err == nil || !strings.Contains(err.Error(), "Threads") {
		t.Errorf("error %v", err)
	}
}

func TestParseForks(t *testing.T) {
	n, err := parseForks([]byte("cpu  1 2 3\nctxt 99\nprocesses 12345\nprocs_running 2\n"))
	if n != 12345 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := parseForks([]byte("cpu 1\n")); err == nil {
		t.Error("no processes, no error")
	}
}

// What this kernel writes is what the parsers expect.
func TestThisProcess(t *testing.T) {
	u, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.RSS < 1<<20 || u.Peak < u.RSS || u.Threads < 1 {
		t.Errorf("%+v", u)
	}
	if n, err := switches(os.Getpid()); n < 1 || err != nil {
		t.Errorf("%d switches, %v", n, err)
	}
	if n, err := forks(); n < 1 || err != nil {
		t.Errorf("%d forks, %v", n, err)
	}
	if _, err := usageOf(1 << 30); err == nil {
		t.Error("a process that is not there has been measured")
	}
}
