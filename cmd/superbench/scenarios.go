package main

import "time"

// scenario is a row of the table of what can be measured.
type scenario struct {
	Name string
	Doc  string
	Run  func(*bench, *table) error
}

func scenarios() []scenario {
	return []scenario{
		{"spawn", "a static program without a library is started for each connection and writes 6 bytes", (*bench).spawn},
		{"spawn-shell", "a script for /bin/sh is started for each connection", (*bench).spawnShell},
		{"spawn-sandboxed", "the same program under another user, with a umask and rlimits", (*bench).spawnSandboxed},
		{"tcp-daytime", "the builtin", (*bench).daytime},
		{"tcp-echo", "the builtin; 64 KB there and back, and compared", (*bench).tcpEcho},
		{"udp-echo", "the builtin; 64 bytes there and back, and compared; a window of 32", (*bench).udpEcho},
		{"wait-dgram", "a program gets the socket, answers one datagram and ends; one datagram at a time", (*bench).waitDgram},
		{"denied-flood", "4 clients start a program 50 times a second, first alone, then beside a denied address at full rate", (*bench).deniedFlood},
		{"per-source-flood", "a connection from each address of another /16 each round, far above cps", (*bench).perSourceFlood},
		{"many-services", "as spawn, on all ports of so many services", (*bench).manyServices},
		{"many-children", "10,000 connections whose programs wait", (*bench).manyChildren},
		{"reload", "one of 10,000 services changes, each in a file of its own; another serves meanwhile", (*bench).reload},
		{"idle", "the shipped configuration, and nobody comes", (*bench).idle},
	}
}

const warmUp = 20

// streams is the work of count connections.
func (b *bench) streams(count int) work {
	return func(s *server, _ sample) (outcome, error) {
		l := b.tcpLoad(s, b.clients, count)
		return l.run()
	}
}

func (b *bench) stream(t *table, count int, entries []entry) error {
	return b.run(t, entries, plan{Warm: b.streams(warmUp), Work: b.streams(b.countOr(count))})
}

func (b *bench) spawn(t *table) error {
	return b.stream(t, 3000, b.entries(job{Program: b.shop.Program}, t))
}

func (b *bench) spawnShell(t *table) error {
	return b.stream(t, 1000, b.entries(job{Program: b.shop.Shell}, t))
}

// spawnSandboxed has superd without a sandbox beside itself, for what it costs.
func (b *bench) spawnSandboxed(t *table) error {
	j := job{Program: b.shop.Program, Sandbox: true}
	if b.user == "root" {
		j.User = "nobody"
	} else {
		t.note("not run by root: the user stays %s", b.user)
	}
	j.NoNewPrivs = b.noNewPrivs
	if !j.NoNewPrivs {
		t.note("this superd does not know no_new_privs, so the sandbox is user, umask and rlimits")
	}
	entries := b.entries(j, t)
	for _, c := range b.list {
		if c.Name == superdName {
			plain := entry{contender: c, Label: "superd without", Job: job{Program: b.shop.Program, User: b.user}}
			entries = append(entries[:1:1], append([]entry{plain}, entries[1:]...)...)
		}
	}
	return b.stream(t, 3000, entries)
}

func (b *bench) daytime(t *table) error {
	return b.stream(t, 20_000, b.entries(job{Builtin: "daytime"}, t))
}

func (b *bench) tcpEcho(t *table) error {
	return b.stream(t, 5000, b.entries(job{Builtin: "echo"}, t))
}

func (b *bench) udpEcho(t *table) error {
	return b.datagrams(t, 32, 100_000, job{Builtin: "echo", Dgram: true})
}

func (b *bench) waitDgram(t *table) error {
	if b.shop.Datagram == nil {
		t.note("without gcc there is no program for it")
		return nil
	}
	return b.datagrams(t, 1, 2000, job{Program: b.shop.Datagram, Dgram: true, Wait: true})
}

// answered is perSecond for datagrams.
const answered = "answers/s"

func (b *bench) datagrams(t *table, window, count int, j job) error {
	t.Metrics = append([]metric{{answered, 0}}, loadMetrics[1:]...)
	t.Compare = answered
	load := func(count int) work {
		return func(s *server, _ sample) (outcome, error) {
			l := udpLoad{To: s.Addr, From: clientAddresses()[0], Window: window, Size: 64, Count: count, Limit: min(b.limit, 2*time.Second)}
			return l.run()
		}
	}
	return b.run(t, b.entries(j, t), plan{Warm: load(warmUp), Work: load(b.countOr(count))})
}
