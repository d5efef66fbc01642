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
		{"spawn", "a static program of no library is started for each connection and writes 6 bytes; 8 clients", (*bench).spawn},
		{"tcp-daytime", "the builtin, 8 clients", (*bench).daytime},
		{"tcp-echo", "the builtin; 64 KB there and back, and compared; 8 clients", (*bench).tcpEcho},
		{"udp-echo", "the builtin; 64 bytes there and back, and compared; a window of 32", (*bench).udpEcho},
	}
}

const warmUp = 20

// streams is the work of count connections.
func (b *bench) streams(count int) work {
	return func(s *server) (outcome, error) {
		l := b.tcpLoad(s, b.clients, count)
		return l.run()
	}
}

func (b *bench) stream(t *table, j job, count int) error {
	j.User = b.user
	return b.run(t, b.entries(j, t), b.streams(warmUp), b.streams(b.countOr(count)))
}

func (b *bench) spawn(t *table) error {
	return b.stream(t, job{Program: b.shop.Program}, 3000)
}

func (b *bench) daytime(t *table) error {
	return b.stream(t, job{Builtin: "daytime"}, 20_000)
}

func (b *bench) tcpEcho(t *table) error {
	return b.stream(t, job{Builtin: "echo"}, 5000)
}

func (b *bench) udpEcho(t *table) error {
	t.Metrics = append([]metric{{answered, 0}}, t.Metrics[1:]...)
	t.Compare = answered
	datagrams := func(count int) work {
		return func(s *server) (outcome, error) {
			l := udpLoad{To: s.Addr, From: clientAddresses()[0], Window: 32, Size: 64, Count: count, Limit: min(b.limit, 2*time.Second)}
			return l.run()
		}
	}
	return b.run(t, b.entries(job{Builtin: "echo", Dgram: true, User: b.user}, t), datagrams(warmUp), datagrams(b.countOr(100_000)))
}

// answered is perSecond for datagrams.
const answered = "answers/s"
