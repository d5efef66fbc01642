package superd

import (
	"errors"
	"strings"
	"testing"
	"time"

	"superd/superd/config"
	"superd/superd/event"
	"superd/superd/socket"
)

func TestWantTraffic(t *testing.T) {
	program := func(on config.LogFlags) *config.Service {
		return &config.Service{Log: config.Log{OnSuccess: on}, Program: config.Program{Path: "/bin/true"}}
	}
	silent, logs := program(config.LogHost), program(config.LogTraffic)
	wait := program(config.LogTraffic)
	wait.Wait = true
	builtin := &config.Service{Builtin: "echo", Log: config.Log{OnSuccess: config.LogTraffic}}
	metrics := &config.Service{Builtin: metricsBuiltin}
	h := newTestHost(t)
	for _, step := range []struct {
		services  []*config.Service
		some, all bool
	}{
		{nil, false, false},
		{[]*config.Service{silent, wait, builtin}, false, false},
		{[]*config.Service{silent, logs}, true, false},
		{[]*config.Service{silent, metrics}, true, true},
		{[]*config.Service{silent}, false, false},
	} {
		h.wantTraffic(&config.Config{Services: step.services})
		if some, all := h.traffic.ends.Load() != nil, h.traffic.all.Load(); some != step.some || all != step.all {
			t.Errorf("%d services: watched is %v, of all %v", len(step.services), some, all)
		}
	}
	h.traffic.close()
}

func TestTrafficThatNobodyTells(t *testing.T) {
	defer func() { watchEnds = socket.WatchEnds }()
	watchEnds = func(func()) (*socket.Ends, error) { return nil, errors.New("socket: operation not permitted") }
	var log safeBuffer
	h, hub := loggingHost(t, &log)
	for range 3 {
		h.wantTraffic(&config.Config{Services: []*config.Service{{Builtin: metricsBuiltin}}})
		h.missed()
	}
	hub.Close(time.Minute)
	text := log.String()
	if n := strings.Count(text, "socket: operation not permitted"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	if n := strings.Count(text, "some EXITs are without bytes"); n != 1 {
		t.Errorf("that some are missing is said %d times", n)
	}
	if c := (conn{set: &settings{Service: &config.Service{}}}); h.traffic.watch(&c) != nil {
		t.Error("a connection is watched")
	}
}

func newTestHost(t *testing.T) *host {
	h, hub := loggingHost(t, new(safeBuffer))
	t.Cleanup(func() { hub.Close(time.Second) })
	return h
}

// loggingHost is a host with nothing but a log.
func loggingHost(t *testing.T, log *safeBuffer) (*host, *event.Hub) {
	t.Helper()
	hub := event.NewHub(log)
	sink, err := hub.Open(config.LogTarget{})
	if err != nil {
		t.Fatal(err)
	}
	h := new(host)
	h.log.Store(sink)
	return h, hub
}
