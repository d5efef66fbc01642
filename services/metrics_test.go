package services

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

// sampleState has everything that can be shown, and names that are as odd as names may be.
func sampleState() State {
	bounds := []time.Duration{500 * time.Microsecond, time.Second, time.Minute}
	ftp := ServiceState{
		ID: "ftp", Kind: "program", Running: 3, Instances: 30, Sources: 2, Held: 1, Rate: 50, Tokens: 47,
		Accepted: 1234567, Refused: []Count{{"address", 7}, {"time", 0}, {"cps", 12}},
		Starts:    Histogram{bounds, []uint64{0, 5, 1, 0}, 1500 * time.Millisecond},
		Durations: Histogram{bounds, []uint64{1, 2, 3, 4}, time.Hour},
		Exits:     []ExitCount{{"", 0, 9}, {"", 1, 2}, {"SIGKILL", 0, 1}}, MoreExits: 5,
		In: 5_000, Out: 7_250_000_000, User: 1500 * time.Millisecond, System: 250 * time.Millisecond, MaxRSS: 12 << 20,
	}
	odd := ServiceState{ID: "a<b>&'ü\\", Kind: "builtin", Instances: -1, Waiting: 2, Datagrams: 8, Refused: []Count{{"address", 0}, {"time", 0}, {"cps", 0}}}
	full := ServiceState{ID: "full", Kind: "redirect", Running: 5, Instances: 5, Rate: 1, Refused: []Count{{"address", 0}, {"time", 0}, {"cps", 0}}}
	paused := ServiceState{ID: "paused", Kind: "wait program", Instances: -1, Paused: 7 * time.Second, Refused: []Count{{"address", 0}, {"time", 0}, {"cps", 1}}}
	began := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return State{
		Version: "1.2.3", Now: began.Add(26*time.Hour + 3*time.Minute), Began: began, Generation: 4,
		Hash: "deadbeef0123456789", Since: began.Add(25 * time.Hour), ReloadsDone: 3, ReloadsFailed: 1,
		ReloadFailing: true, ReloadFailed: began.Add(26 * time.Hour), ReloadError: "bind <tcp> 0.0.0.0:21: address already in use",
		ReloadTook: 12 * time.Millisecond,
		Sockets:    12, Waiting: 2, Programs: 3, Files: 40, FileLimit: 1024, FilesReserved: 5, CPU: 1234 * time.Millisecond, Memory: 9 << 20,
		Services: []ServiceState{ftp, odd, full, paused},
	}
}

// shown is a Daemon that is as it is.
type shown State

func (s shown) State(most int) State {
	all := State(s)
	all.Services = all.Services[:min(most, len(all.Services))]
	return all
}

func (s shown) Service(id string) (ServiceState, bool) {
	for _, one := range s.Services {
		if one.ID == id {
			return one, true
		}
	}
	return ServiceState{}, false
}

var (
	metaLine   = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_]+)(\{([a-z]+="([^"\\\n]|\\["\\n])*")(,[a-z]+="([^"\\\n]|\\["\\n])*")*\})? ([0-9.e+-]+)$`)
)

// checkExposition reads every line as the formats want it: families whole and once, names of their own, no sample twice.
// promtool and Prometheus itself read it in cmd/superd/e2e.
func checkExposition(t *testing.T, text string, open bool) (samples int) {
	t.Helper()
	if open {
		body, ok := strings.CutSuffix(text, "# EOF\n")
		if !ok {
			t.Error("no EOF")
		}
		text = body
	}
	family, kind := "", ""
	families, seen := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if m := metaLine.FindStringSubmatch(line); m != nil {
			if m[1] == "HELP" {
				if families[m[2]] {
					t.Errorf("family %s twice", m[2])
				}
				family, kind = m[2], ""
				families[family] = true
			} else {
				kind = m[3]
			}
			if m[2] != family {
				t.Errorf("%q in family %s", line, family)
			}
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil || kind == "" {
			t.Errorf("cannot read %q", line)
			continue
		}
		samples++
		base := m[1]
		switch {
		case kind == histogram:
			base = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(base, "")
		case kind == counter && open:
			base = strings.TrimSuffix(base, "_total")
		case kind == counter && !strings.HasSuffix(base, "_total"):
			t.Errorf("counter %s has no _total", base)
		}
		if base != family {
			t.Errorf("%q in family %s", line, family)
		}
		if seen[m[1]+m[2]] {
			t.Errorf("%s%s twice", m[1], m[2])
		}
		seen[m[1]+m[2]] = true
	}
	return samples
}

func TestMetrics(t *testing.T) {
	for _, open := range []bool{false, true} {
		state := sampleState()
		text := string(appendMetrics(nil, &state, open))
		checkExposition(t, text, open)
		for _, want := range []string{
			`superd_build_info{version="1.2.3"} 1`,
			`superd_config_info{hash="deadbeef0123456789"} 1`,
			`superd_reloads_total{result="failed"} 1`,
			`superd_reload_failing 1`,
			`superd_ready 0`,
			`superd_connections_accepted_total{service="ftp"} 1234567`,
			`superd_connections_refused_total{service="ftp",verdict="time"} 0`,
			`superd_connections_refused_total{service="ftp",verdict="cps"} 12`,
			`superd_connections_running{service="a<b>&'ü\\"} 0`,
			`superd_connections_limit{service="ftp"} 30`,
			`superd_service_paused_seconds{service="paused"} 7`,
			`superd_connection_duration_seconds_bucket{service="ftp",le="0.0005"} 1`,
			`superd_connection_duration_seconds_bucket{service="ftp",le="+Inf"} 10`,
			`superd_connection_duration_seconds_sum{service="ftp"} 3600`,
			`superd_connection_duration_seconds_count{service="ftp"} 10`,
			`superd_program_exits_total{service="ftp",code="1"} 2`,
			`superd_program_exits_total{service="ftp",signal="SIGKILL"} 1`,
			`superd_program_exits_total{service="ftp",code="other"} 5`,
			`superd_program_cpu_seconds_total{service="ftp",mode="user"} 1.5`,
			`superd_sent_bytes_total{service="ftp"} 7250000000`,
			`superd_datagrams_total{service="a<b>&'ü\\"} 8`,
			`process_open_fds 40`,
			`superd_reserved_fds 5`,
			`process_start_time_seconds 1795348800`,
		} {
			if !strings.Contains(text, "\n"+want+"\n") {
				t.Errorf("openmetrics %v: no line %s", open, want)
			}
		}
		if strings.Contains(text, `superd_connections_limit{service="paused"}`) {
			t.Error("a limit of a service that has none")
		}
	}
}

// However many services there are and in however many ways programs end, a scrape is bounded, and nothing is uncounted.
func TestMetricsAreBounded(t *testing.T) {
	state := sampleState()
	one := state.Services[0]
	state.Services = nil
	for i := range 3 * metricsMost {
		s := one
		s.ID = fmt.Sprint("service-", i)
		if i < metricsMost {
			state.Services = append(state.Services, s)
		} else {
			state.Others.Add(&s)
			state.Omitted++
		}
	}
	text := string(appendMetrics(nil, &state, false))
	samples := checkExposition(t, text, false)
	t.Logf("%d samples, %d bytes", samples, len(text))
	if len(text) > 8<<20 {
		t.Errorf("%d bytes", len(text))
	}
	for _, want := range []string{
		fmt.Sprintf(`superd_connections_accepted_total{service="(other services)"} %d`, 2*metricsMost*1234567),
		fmt.Sprintf(`superd_connections_refused_total{service="(other services)",verdict="cps"} %d`, 2*metricsMost*12),
		fmt.Sprintf(`superd_program_exits_total{service="(other services)",code="other"} %d`, 2*metricsMost*17),
		fmt.Sprintf(`superd_connection_duration_seconds_count{service="(other services)"} %d`, 2*metricsMost*10),
		fmt.Sprintf(`superd_services %d`, 3*metricsMost),
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %s", want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for v, want := range map[float64][2]string{
		0: {"0", "0.0"}, 1: {"1", "1.0"}, 0.0005: {"0.0005", "0.0005"}, 1 << 50: {"1125899906842624", "1125899906842624.0"}, -3: {"-3", "-3.0"},
		1e300: {"1e+300", "1e+300"}, math.Pi: {"3.141592653589793", "3.141592653589793"},
	} {
		if got := [2]string{string(appendNumber(nil, v, false)), string(appendNumber(nil, v, true))}; got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
	if got := string(appendLabel(nil, "a\"b\\c\nd")); got != `a\"b\\c\nd` {
		t.Errorf("label %s", got)
	}
}

func FuzzExposition(f *testing.F) {
	f.Add("ftp", "SIGTERM", uint64(1))
	f.Add("a\"\\\n}{", "", uint64(math.MaxUint64))
	f.Fuzz(func(t *testing.T, id, name string, n uint64) {
		state := sampleState()
		s := &state.Services[0]
		s.ID, s.Accepted, s.In = id, n, n
		s.Refused = []Count{{name, n}}
		if id == state.Services[1].ID || id == "full" || id == "paused" || strings.ContainsAny(id+name, "\r\u2028\u0085\v\f") {
			return // a name is there once; and checkExposition, not the format, takes these for ends of lines
		}
		checkExposition(t, string(appendMetrics(nil, &state, false)), false)
	})
}

func TestMetricsPage(t *testing.T) {
	for _, c := range []struct {
		request, status, kind string
	}{
		{"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", prometheusType},
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", prometheusType},
		{"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: Application/OpenMetrics-text; version=1.0.0,text/plain;q=0.5\r\n\r\n", "200 OK", openMetricsType},
		{"GET /metric HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", "text/plain; charset=utf-8"},
	} {
		got := ask(t, metricsPage, c.request)
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+"\r\n") || !strings.Contains(got, "\r\nContent-Type: "+c.kind+"\r\n") {
			t.Errorf("%q: %.300q", c.request, got)
		}
	}
}

func BenchmarkMetrics(b *testing.B) {
	state := sampleState()
	one := state.Services[0]
	for i := range 100 {
		s := one
		s.ID = fmt.Sprint(i)
		state.Services = append(state.Services, s)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		out = appendMetrics(out[:0], &state, false)
	}
	b.SetBytes(int64(len(bytes.TrimSpace(out))))
}
