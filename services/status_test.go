package services

import (
	"encoding/json"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ask has a builtin that shows a daemon answer one request about the sample.
func ask(t *testing.T, page func(net.Conn, Daemon) error, request string) string {
	t.Helper()
	return askAbout(t, sampleState(), page, request)
}

func askAbout(t *testing.T, s State, page func(net.Conn, Daemon) error, request string) string {
	t.Helper()
	server, client := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- page(server, shown(s)); server.Close() }()
	go io.WriteString(client, request)
	got, err := io.ReadAll(client)
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	return string(got)
}

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }

func TestHealth(t *testing.T) {
	serving := sampleState()
	serving.Waiting = 0
	stopping := serving
	stopping.Stopping = true
	for _, c := range []struct {
		state        State
		path, status string
		word         string
	}{
		{serving, "/healthz", "200 OK", "serving"},
		{serving, "/readyz", "200 OK", "serving"},
		{sampleState(), "/healthz", "503 Service Unavailable", "degraded"},
		{stopping, "/healthz", "503 Service Unavailable", "stopping"},
		{serving, "/healthz?service=ftp", "200 OK", "serving"},
		{serving, "/healthz?service=full", "503 Service Unavailable", "full"},
		{serving, "/healthz?service=paused", "503 Service Unavailable", "paused"},
		{serving, "/healthz?service=a%3Cb%3E%26%27%C3%BC%5C", "503 Service Unavailable", "waiting for its port"},
		{serving, "/healthz?service=other", "404 Not Found", "no such service"},
		{serving, "/healthz?service=%zz", "400 Bad Request", "Bad Request"},
		{serving, "/healthz?servic=ftp", "400 Bad Request", "Bad Request"},
		{serving, "/healthz?service=ftp&service=full", "400 Bad Request", "Bad Request"},
		{serving, "/health", "404 Not Found", "Not Found"},
		{serving, "/?x", "200 OK", "<!DOCTYPE html>"},
	} {
		got := askAbout(t, c.state, statusPage, get(c.path))
		_, body, _ := strings.Cut(got, "\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 "+c.status+"\r\n") || !strings.HasPrefix(body, c.word+"\n") {
			t.Errorf("%s: %.200q", c.path, got)
		}
	}
}

func TestStatusJSON(t *testing.T) {
	for _, path := range []string{"/?json", "/status.json"} {
		got := ask(t, statusPage, get(path))
		head, body, _ := strings.Cut(got, "\r\n\r\n")
		if !strings.HasPrefix(head, "HTTP/1.1 503 ") || !strings.Contains(head, "application/json") {
			t.Errorf("%s: %s", path, head)
		}
		var r statusReport
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			t.Fatal(err)
		}
		if r.Condition != Degraded || r.Generation != 4 || len(r.Services) != 4 || !r.Failing {
			t.Errorf("%s: %+v", path, r)
		}
		ftp, full := r.Services[0], r.Services[2]
		if ftp.Accepted != 1234567 || len(ftp.Refused) != 2 || ftp.Refused["cps"] != 12 || *ftp.Instances != 30 || full.Condition != Full {
			t.Errorf("%s: %+v", path, r.Services)
		}
		if r.Services[1].Instances != nil {
			t.Errorf("%s: a limit where there is none", path)
		}
	}
}

func TestPage(t *testing.T) {
	got := ask(t, statusPage, get("/"))
	for _, want := range []string{
		"<title>superd: degraded</title>", `content="5"`, "<b class=\"bad\">The last reload failed</b> 3 min 0 s ago", "bind &lt;tcp&gt; 0.0.0.0:21",
		"a&lt;b&gt;&amp;&#39;ü\\", "1\u202f234\u202f567", "address 7, cps 12", "7.25 GB", "paused for 7 s", "1 d 2 h", "deadbeef01<",
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q", want)
		}
	}
	_, body, _ := strings.Cut(got, "\r\n\r\n")
	if from := regexp.MustCompile(`(?i)<script|\bsrc=|href=|url\(|@import|\bon[a-z]+=`).FindString(body); from != "" {
		t.Errorf("the page has %q", from)
	}
	if strings.Index(body, "a&lt;b") > strings.Index(body, ">ftp<") {
		t.Error("what does not serve does not come first")
	}
}

// A page of nothing and one of much are pages too.
func TestPageOfNothing(t *testing.T) {
	got := askAbout(t, State{Now: time.Now()}, statusPage, get("/"))
	if !strings.Contains(got, "No service is on.") {
		t.Errorf("%q", got)
	}
	much := sampleState()
	for range 3 * statusMost {
		much.Services = append(much.Services, much.Services[0])
	}
	much.Omitted = 3
	got = askAbout(t, much, statusPage, get("/"))
	if n := strings.Count(got, "<tr><th scope=\"row\">"); n != statusMost || !strings.Contains(got, "and 3 more services") {
		t.Errorf("%d rows", n)
	}
}

func TestUnits(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 999_499: "999 kB", 999_500: "1 MB", 1_234_567: "1.23 MB", 1 << 63: "9.22 EB"} {
		if got := bytesOf(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{-1: "0 s", 59 * time.Second: "59 s", time.Minute: "1 min 0 s", 90 * time.Minute: "1 h 30 min", 50 * time.Hour: "2 d 2 h"} {
		if got := age(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1\u202f000", 1234567: "1\u202f234\u202f567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
