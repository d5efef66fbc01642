package config

import (
	"strings"
	"testing"
)

func TestJudge(t *testing.T) {
	j := NewJudge()
	for _, c := range []struct {
		name, value string
		in          Where
		want        string // a part of the objection; "" for none
	}{
		{"port", `21`, InService, ""},
		{"port", `"ftp"`, InService, ""},
		{"port", `70000`, InService, "1 to 65535"},
		{"only_from", `["192.0.2.0/24", ".example.org"]`, InService, ""},
		{"only_from", `concat(defaults.only_from, ["192.0.2.1"])`, InService, ""},
		{"only_from", `concat(defaults.only_from, ["192.0.2.1"])`, InDefaults, "Only a service"},
		{"only_from", `["10.1.2.3/8"]`, InDefaults, ""}, // a warning is no objection
		{"only_from", `["a,b"]`, InService, "comma"},
		{"log_on_success", `concat(defaults.log_on_success, ["USERID"])`, InService, ""},
		{"socket_type", `"stream"`, InDefaults, "belongs to service"},
		{"user", `"no-such-user"`, InService, ""},
		{"mdns", `true`, InService, "avahi"},
		{"kafel_rule", `"x"`, InService, "no attribute"},
		{"server", `"unfinished`, InService, "closing marker"},
		{"wait", `no`, InService, "wait = false"},
	} {
		got := j.Objection(c.name, c.value, c.in)
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s = %s: %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// A value leaves no trace in the Judge.
func TestJudgeForgets(t *testing.T) {
	j := NewJudge()
	before := *j.base.Service
	j.Objection("instances", "5", InService)
	j.Objection("flags", `["NODELAY"]`, InService)
	if j.base.Limits != before.Limits || j.base.Socket != before.Socket {
		t.Error("the base has changed")
	}
}
