package superd

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestProgramPages(t *testing.T) {
	for line, want := range map[string]bool{
		"00400000-0098f000 r-xp 00000000 fe:00 10011611                           /usr/sbin/superd\n": true,
		"0098f000-00f0d000 r--p 0058f000 fe:00 10011611                           /usr/sbin/superd\n": true,
		"00f0d000-00f98000 rw-p 00b0d000 fe:00 10011611                           /usr/sbin/superd\n": false,
		"7f0000000000-7f0000001000 r-xp 00000000 fe:00 10011612                   /lib/libc.so.6\n":   false,
		"c000000000-c000400000 rw-p 00000000 00:00 0\n":                                               false,
		"0098f000-00400000 r-xp 00000000 fe:00 10011611                           /usr/sbin/superd\n": false,
		"x-y r-xp 00000000 fe:00 10011611                                         /usr/sbin/superd\n": false,
		"\n": false,
	} {
		from, to, ok := programPages(line, "/usr/sbin/superd")
		if ok != want || ok && (from != 0x400000 && from != 0x98f000 || to <= from) {
			t.Errorf("%q: %x-%x, %v", line, from, to, ok)
		}
	}
}

// The program runs on, with less of itself in memory.
func TestGiveBack(t *testing.T) {
	before := residentFile(t)
	if before < 1000 {
		t.Skipf("%d kB of files in memory: the test's own program is on a tmpfs, whose pages count otherwise", before)
	}
	giveBack()
	if after := residentFile(t); after >= before {
		t.Errorf("%d kB of files in memory, before %d", after, before)
	}
}

func residentFile(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\nRssFile:")
	if !ok {
		t.Skip("this kernel does not tell RssFile")
	}
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
