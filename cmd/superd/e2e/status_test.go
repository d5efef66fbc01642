package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStatusInABrowser: the page of the builtin status as people see it, on a desk and on a phone. SUPERD_E2E_SCREENSHOTS
// names a folder for its pictures.
func TestStatusInABrowser(t *testing.T) {
	b := browse(t)
	s, d := watched(t)
	page := "http://" + s.at(9116) + "/"
	occupied := mustDial(t, s.at(7001)) // a connection to be seen
	defer occupied.Close()
	d.waitLog(`START service=cat conn=8 `)
	for _, window := range []struct {
		name          string
		width, height int
		scheme        string
	}{
		{"wide", 1280, 800, "light"}, {"wide-dark", 1280, 800, "dark"}, {"phone", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"}, {"narrow", 320, 640, "light"},
	} {
		b.open(page, window.width, window.height, window.scheme)
		if wide := b.eval(`document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide != "0" {
			t.Errorf("%s: the page is %s pixels wider than the window", window.name, wide)
		}
		text := b.eval(`document.body.innerText`)
		for _, want := range []string{"serving", "cat", "1 of 20", "closed", "address 1", "echo-dgram", "descriptors"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q to be seen in\n%s", window.name, want, text)
			}
		}
		if shown := b.eval(`getComputedStyle(document.querySelector("thead")).display`); (shown == "none") != (window.width < 500) {
			t.Errorf("%s: the head of the table is %s", window.name, shown)
		}
		if paper := b.eval(`getComputedStyle(document.body).backgroundColor`); (paper == "rgb(18, 22, 28)") != (window.scheme == "dark") {
			t.Errorf("%s: the paper is %s", window.name, paper)
		}
		if cut := b.eval(`[...document.querySelectorAll("td, th, dd")].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).map(e => e.innerText).join("|")`); cut != "" {
			t.Errorf("%s: too wide for their place: %s", window.name, cut)
		}
		if folder := os.Getenv("SUPERD_E2E_SCREENSHOTS"); folder != "" {
			b.picture(filepath.Join(folder, "status-"+window.name+".png"))
		}
		for _, e := range b.events {
			switch e.Method {
			case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
				if !strings.Contains(string(e.Params), "favicon.ico") {
					t.Errorf("%s: the browser complains: %s", window.name, e.Params)
				}
			case "Network.requestWillBeSent":
				if !strings.Contains(string(e.Params), `"url":"`+page) {
					t.Errorf("%s: it asks for something else: %.300s", window.name, e.Params)
				}
			}
		}
	}

	// It refreshes itself.
	b.open(page, 390, 844, "light")
	if answer, err := talk(s.at(7001), "again"); err != nil || answer != "again" {
		t.Fatalf("%q, %v", answer, err)
	}
	b.wait("Page.loadEventFired")
	if text := b.eval(`document.querySelector("main").innerText`); !strings.Contains(text, "cat") {
		t.Errorf("after the refresh\n%s", text)
	}
}

// TestStatusForLoadBalancers: the health check goes by the status, while superd serves and when it stops.
func TestStatusForLoadBalancers(t *testing.T) {
	s, d := watched(t)
	if status, _, body := fetch(t, "http://"+s.at(9116)+"/healthz", ""); status != 200 || body != "serving\n" {
		t.Errorf("%d %q", status, body)
	}
	if status, _, body := fetch(t, "http://"+s.at(9116)+"/healthz?service=cat", ""); status != 200 || body != "serving\n" {
		t.Errorf("%d %q", status, body)
	}
	status, kind, body := fetch(t, "http://"+s.at(9116)+"/?json", "")
	var report struct {
		Condition string
		Services  []struct {
			Service  string
			Accepted uint64
		}
	}
	if err := json.Unmarshal([]byte(body), &report); err != nil || status != 200 || kind != "application/json" || report.Condition != "serving" || len(report.Services) != 6 {
		t.Errorf("%d %s %v\n%s", status, kind, err, body)
	}
	d.stop()
	client := &http.Client{Timeout: time.Second}
	if r, err := client.Get("http://" + s.at(9116) + "/healthz"); err == nil {
		r.Body.Close()
		t.Errorf("a superd that has ended answers %d", r.StatusCode)
	}
}
