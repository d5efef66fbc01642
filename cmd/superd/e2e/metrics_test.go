package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

const packaging = "../../../packaging"

// watched is a site with the builtins metrics and status, and services that something has happened to.
func watched(t *testing.T) (*site, *daemon) {
	t.Helper()
	s := newSite(t)
	s.config(usual + `
service "metrics" {
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "stream"
  port        = 9115
}
service "status" {
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "stream"
  port        = 9116
}
service "cat" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  port        = 7001
  instances   = 20
  server      = "/bin/cat"
  ` + unprivileged() + `
}
service "crash" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  port        = 7002
  server      = "/bin/sh"
  server_args = ["-c", "kill -SEGV $$"]
  ` + unprivileged() + `
}
service "closed" {
  type        = "UNLISTED"
  socket_type = "stream"
  wait        = false
  port        = 7003
  only_from   = []
  server      = "/bin/cat"
  ` + unprivileged() + `
}
service "echo" {
  id          = "echo-dgram"
  type        = ["INTERNAL", "UNLISTED"]
  socket_type = "dgram"
  port        = 7004
}`)
	d := s.start()
	for range 5 {
		if answer, err := talk(s.at(7001), "hello"); err != nil || answer != "hello" {
			t.Fatalf("%q, %v", answer, err)
		}
	}
	_, _ = talk(s.at(7002), "")
	_, _ = talk(s.at(7003), "")
	d.waitLog(`EXIT service=crash .*signal=11`)
	d.waitLog(`REFUSE service=closed .*verdict=address`)
	for n := 1; n <= 5; n++ {
		d.waitLog(fmt.Sprintf(`EXIT service=cat conn=%d `, n))
	}
	return s, d
}

func fetch(t *testing.T, url, accept string) (status int, kind, body string) {
	t.Helper()
	q, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		q.Header.Set("Accept", accept)
	}
	r, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header.Get("Content-Type"), string(text)
}

// TestPromtoolTakesTheMetrics: the linter of Prometheus has nothing to say about what superd shows.
func TestPromtoolTakesTheMetrics(t *testing.T) {
	promtool := need(t, "promtool")
	s, _ := watched(t)
	status, kind, text := fetch(t, "http://"+s.at(9115)+"/metrics", "")
	if status != 200 || !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Fatalf("%d %s", status, kind)
	}
	for _, want := range []string{
		`superd_connections_accepted_total{service="cat"} 5`, `superd_program_exits_total{service="crash",signal="SIGSEGV"} 1`,
		`superd_connections_refused_total{service="closed",verdict="address"} 1`, `superd_sent_bytes_total{service="cat"} 25`,
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no line %s in\n%s", want, text)
		}
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// TestPrometheusScrapes: the real Prometheus, with our scrape configuration and our alerts, knows what has happened.
// It asks for OpenMetrics, and reads that more strictly than promtool reads the older format.
func TestPrometheusScrapes(t *testing.T) {
	prometheus := need(t, "prometheus")
	s, d := watched(t)
	_, kind, text := fetch(t, "http://"+s.at(9115)+"/metrics", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
	if !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(text, "\n# EOF\n") {
		t.Errorf("%s ends with %.40q", kind, text[max(0, len(text)-40):])
	}
	scrape, err := os.ReadFile(filepath.Join(packaging, "prometheus/scrape.yml"))
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := filepath.Abs(filepath.Join(packaging, "prometheus/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	s.write("prometheus.yml", "global: { scrape_interval: 100ms, scrape_timeout: 100ms, evaluation_interval: 1s }\nrule_files: ["+alerts+"]\nscrape_configs:\n"+
		strings.ReplaceAll(string(scrape), "127.0.0.1:9115", "$ADDR:9115"))
	log, err := os.Create(s.path("prometheus.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(prometheus, "--config.file="+s.path("prometheus.yml"), "--storage.tsdb.path="+s.path("tsdb"), "--web.listen-address="+s.at(9090))
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(s.path("prometheus.log"))
			t.Logf("prometheus said\n%s", text)
		}
	})
	for expr, want := range map[string]string{
		`up{job="superd"}`: "1",
		`superd_connections_accepted_total{service="cat"}`:                               "5",
		`superd_connections_refused_total{service="closed",verdict="address"}`:           "1",
		`superd_connection_duration_seconds_count{service="cat"}`:                        "5",
		`superd_connections_limit{service="cat"}`:                                        "20",
		`count(superd_program_start_seconds_bucket{service="cat"})`:                      "13",
		`sum(superd_program_exits_total{service="crash",signal="SIGSEGV",job="superd"})`: "1",
	} {
		last := ""
		eventually(t, 2*patience, expr+" is "+want, func() bool {
			r, err := http.Get("http://" + s.at(9090) + "/api/v1/query?query=" + url.QueryEscape(expr))
			if err != nil {
				return false // it is starting
			}
			defer r.Body.Close()
			var answer struct {
				Data struct {
					Result []struct{ Value [2]any }
				}
			}
			if json.NewDecoder(r.Body).Decode(&answer) != nil || len(answer.Data.Result) != 1 {
				return false
			}
			last = fmt.Sprint(answer.Data.Result[0].Value[1])
			return last == want
		})
	}
	d.healthy()
}

// TestPrometheusRules: promtool takes the alerts, and they go off when they should and not otherwise.
func TestPrometheusRules(t *testing.T) {
	promtool := need(t, "promtool")
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = filepath.Join(packaging, "prometheus")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
}

// TestDashboardAsksForWhatThereIs: each expression of the dashboard and of the alerts is one that promtool understands, about
// metrics that superd has.
func TestDashboardAsksForWhatThereIs(t *testing.T) {
	promtool := need(t, "promtool")
	s, _ := watched(t)
	_, _, text := fetch(t, "http://"+s.at(9115)+"/metrics", "")
	text += "\n# TYPE up gauge\n" // Prometheus makes it
	exprs := append(dashboardExpressions(t), alertExpressions(t)...)
	if len(exprs) < 40 {
		t.Errorf("only %d expressions", len(exprs))
	}
	for _, expr := range exprs {
		for _, name := range regexp.MustCompile(`\b(superd|process)_[a-z_]+|\bup\b`).FindAllString(expr, -1) {
			family := regexp.MustCompile(`_(bucket|count|sum)$`).ReplaceAllString(name, "")
			if !strings.Contains(text, "\n# TYPE "+family+" ") {
				t.Errorf("superd has no %s, which is in %s", name, expr)
			}
		}
	}
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for i, expr := range exprs {
		expr = strings.ReplaceAll(expr, "$__rate_interval", "5m")
		quoted, _ := json.Marshal(expr) // as good in YAML
		fmt.Fprintf(&rules, "      - { record: 'x:%d', expr: %s }\n", i, quoted)
	}
	path := s.write("rules.yml", rules.String())
	if out, err := exec.Command(promtool, "check", "rules", path).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

func dashboardExpressions(t *testing.T) (exprs []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packaging, "grafana/superd.json"))
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title         string
		SchemaVersion int
		Annotations   struct{ List []struct{ Expr string } }
		Templating    struct {
			List []struct{ Name, Type, Definition string }
		}
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.Title != "superd" || board.SchemaVersion == 0 || len(board.Templating.List) != 4 {
		t.Errorf("%+v", board)
	}
	seen := map[int]bool{}
	for _, p := range board.Panels {
		if seen[p.ID] || p.Title == "" || p.GridPos.W < 1 || p.GridPos.X+p.GridPos.W > 24 || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %+v", p)
		}
		seen[p.ID] = true
		for _, target := range p.Targets {
			exprs = append(exprs, target.Expr)
		}
	}
	for _, a := range board.Annotations.List {
		exprs = append(exprs, a.Expr)
	}
	for _, v := range board.Templating.List {
		if metric, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			exprs = append(exprs, metric[:strings.LastIndex(metric, ",")])
		}
	}
	return exprs
}

func alertExpressions(t *testing.T) (exprs []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(packaging, "prometheus/alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^\s+expr: (.*)$`).FindAllStringSubmatch(string(text), -1) {
		exprs = append(exprs, m[1])
	}
	return exprs
}
