package main

import (
	"os/exec"
	"strings"
	"time"
)

const (
	switched = "switches/s"
	cpuIdle  = "CPU ms/s"
	settle   = time.Second // after a start, for memory that is given back
)

// idle watches servers that have nothing to do: superd with the configuration that it is shipped with, and xinetd with the same services.
func (b *bench) idle(t *table) error {
	t.Metrics = []metric{{rss, 1}, {peak, 1}, {threads, 0}, {switched, 2}, {cpuIdle, 2}, {started, 3}}
	t.Compare = rss
	var entries []entry
	if folder := b.source(); folder != "" {
		entries = only(b.entries(job{Shipped: folder}, &table{}), superdName)
	} else {
		t.note("superd.hcl and conf.d are in superd's source: run superbench there")
	}
	entries = append(entries, only(b.entries(job{Shipped: "-"}, &table{}), "xinetd")...)
	watch := min(b.limit, 5*time.Second)
	t.note("watched for %v, %v after the start; context switches of all threads", watch, settle)
	return b.run(t, entries, plan{
		Warm: func(*server, sample) (outcome, error) {
			time.Sleep(settle)
			return outcome{}, nil
		},
		Work: func(s *server, r sample) (outcome, error) {
			o := outcome{Elapsed: watch}
			before, err := switches(s.Pid)
			if err != nil {
				return o, err
			}
			u, err := usageOf(s.Pid)
			if err != nil {
				return o, err
			}
			time.Sleep(watch)
			after, err := switches(s.Pid)
			if err != nil {
				return o, err
			}
			v, err := usageOf(s.Pid)
			if err != nil {
				return o, err
			}
			r[rss] = float64(v.RSS) / megabyte
			r[switched] = float64(after-before) / watch.Seconds()
			r[cpuIdle] = milliseconds(v.Self-u.Self) / watch.Seconds()
			return o, nil
		},
	})
}

// source is the folder of superd's source, if the working folder belongs to it; "" else.
func (b *bench) source() string {
	out, err := exec.Command("go", "list", "-f", "{{.Module.Path}} {{.Module.Dir}}", "superd/cmd/superd").Output()
	module, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || module != "superd" {
		return ""
	}
	return dir
}
