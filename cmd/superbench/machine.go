package main

import (
	"bytes"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine is where and when a run took place.
type machine struct {
	Date      string `json:"date"`
	Kernel    string `json:"kernel"`
	Arch      string `json:"arch"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Memory    int64  `json:"memory"` // bytes
	System    string `json:"system"`
	Go        string `json:"go"`
}

func thisMachine() machine {
	m := machine{
		Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Arch: runtime.GOARCH,
		Cores: runtime.NumCPU(), Go: runtime.Version(),
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		m.Kernel = text(name.Sysname[:]) + " " + text(name.Release[:])
	}
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		m.Memory = int64(info.Totalram) * int64(info.Unit)
	}
	m.Processor = valueIn("/proc/cpuinfo", "model name", ":")
	m.System = strings.Trim(valueIn("/etc/os-release", "PRETTY_NAME", "="), `"`)
	return m
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// valueIn is the first value of a name in a file of NAME SEPARATOR VALUE lines; "" if there is none.
func valueIn(file, name, separator string) string {
	content, _ := os.ReadFile(file)
	for line := range strings.Lines(string(content)) {
		if n, v, ok := strings.Cut(line, separator); ok && strings.TrimSpace(n) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
