package event

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"superd/superd/config"
)

// Lines as Debian's xinetd 2.3.15.3 has written them; cmd/superd/e2e lets the two write side by side.
func TestXinetdLines(t *testing.T) {
	local := time.Local
	time.Local = time.UTC
	defer func() { time.Local = local }()
	at := time.Date(2026, 1, 5, 21, 2, 4, 0, time.UTC)

	start := sampleStart()
	six := start
	six.Peer = netip.MustParseAddrPort("[2001:db8::7]:1024")
	wait := Start{Service: "wait", Pid: 7}
	builtin := Start{Service: "daytime", Peer: start.Peer}
	exit := Exit{Start: start, Code: 3, Duration: 12*time.Second + 999*time.Millisecond, Traffic: &Traffic{5, 17}}
	killed := Exit{Start: start, Signal: 11, Duration: time.Millisecond}
	refuse := func(verdict string) *Refuse {
		return &Refuse{Service: "ftp", ConnID: 3, Peer: start.Peer, Verdict: verdict, Detail: "why"}
	}
	const (
		all = config.LogPID | config.LogHost | config.LogExit | config.LogDuration | config.LogTraffic
		p   = config.LogPID
		h   = config.LogHost
	)
	userid := UserID{"ftp", 3, "UNIX :al\x1bice"}
	const head = "26/1/5@21:02:04"
	for _, c := range []struct {
		event Event
		want  string
	}{
		{start.event(all), ": START: echo-stream pid=4242 from=192.0.2.7\n"},
		{start.event(p), ": START: echo-stream pid=4242\n"},
		{start.event(h), ": START: echo-stream from=192.0.2.7\n"},
		{start.event(config.LogExit), ": START: echo-stream\n"},
		{six.event(all), ": START: echo-stream pid=4242 from=2001:db8::7\n"},
		{wait.event(all), ": START: wait pid=7 from=<no address>\n"},
		{builtin.event(all), ": START: daytime pid=0 from=192.0.2.7\n"},
		{exit.event(all), ": TRAFFIC: echo-stream in=5(bytes) out=17(bytes)\n" + head + ": EXIT: echo-stream status=3 pid=4242 duration=12(sec)\n"},
		{exit.event(config.LogTraffic), ": TRAFFIC: echo-stream in=5(bytes) out=17(bytes)\n"},
		{exit.event(config.LogDuration), ": EXIT: echo-stream duration=12(sec)\n"},
		{exit.event(config.LogExit | h), ": EXIT: echo-stream status=3\n"},
		{killed.event(all), ": EXIT: echo-stream signal=11 pid=4242 duration=0(sec)\n"},
		{(&Exit{Start: builtin}).event(all), ""},
		{(&Exit{Start: builtin, Traffic: &Traffic{0, 26}}).event(all), ": TRAFFIC: daytime in=0(bytes) out=26(bytes)\n"},
		{refuse("address").event(h), ": FAIL: ftp address from=192.0.2.7\n"},
		{refuse("address").event(config.LogAttempt), ": FAIL: ftp address\n"},
		{refuse("time").event(h), ": FAIL: ftp time from=192.0.2.7\n"},
		{refuse("load").event(h), ": FAIL: ftp load from=192.0.2.7\n"},
		{refuse("cps").event(h), ": FAIL: ftp connections per second from=192.0.2.7\n"},
		{refuse("hold").event(h), ": FAIL: ftp connections per second from=192.0.2.7\n"},
		{refuse("instances").event(h), ": FAIL: ftp service_limit from=192.0.2.7\n"},
		{refuse("per_source").event(h), ": FAIL: ftp per_source_limit from=192.0.2.7\n"},
		{refuse("fork").event(h), ": FAIL: ftp fork from=192.0.2.7\n"},
		{(&Refuse{Service: "tcp", Verdict: "cps"}).event(h), ": FAIL: tcp connections per second from=<no address>\n"},
		{refuse("libwrap").event(h), ": FAIL: ftp libwrap from=192.0.2.7\n"},
		{refuse("ident").event(h), ": NOID: ftp 192.0.2.7 bad response\n"},
		{(&Refuse{Service: "ftp", Peer: start.Peer, Verdict: "ident", Detail: "ident: dial tcp 192.0.2.7:113: connect: connection refused"}).event(h), ": NOID: ftp 192.0.2.7 no server\n"},
		{(&Refuse{Service: "ftp", Peer: start.Peer, Verdict: "ident", Detail: "ident: read tcp: i/o timeout"}).event(h), ": NOID: ftp 192.0.2.7 timeout\n"},
		{userid.event(config.LogUserID), `: USERID: ftp UNIX :al\x1bice` + "\n"},
		{userid.event(h), ""},
		{Ready(10, 20), " xinetd[99]: NOTICE: Started working: 10 available services\n"},
		{Ready(1, 2), " xinetd[99]: NOTICE: Started working: 1 available service\n"},
		{Reload(1, 2, 3, 4), " xinetd[99]: NOTICE: Reconfigured: new=1 old=5 dropped=4 (services)\n"},
		{Pause("cps", "cps", 2*time.Second), " xinetd[99]: ERROR: Deactivating service cps due to excessive incoming connections.  Restarting in 2 seconds.\n"},
		{Resume("cps"), " xinetd[99]: ERROR: Activating service cps\n"},
		{Stopped(), " xinetd[99]: NOTICE: Exiting...\n"},
		{ReloadFailed(errors.New("no")), " xinetd[99]: ERROR: RELOAD-FAILED error=no\n"},
		{ConfigError("f:1", "odd", "a\nb"), " xinetd[99]: ERROR: CONFIG-ERROR at=f:1 summary=odd\n    a\n    b\n"},
	} {
		if c.want != "" && !strings.HasPrefix(c.want, head) {
			c.want = head + c.want
		}
		f := format{head: headXinetd, layout: layoutXinetd, pid: 99}
		got := ""
		if c.event.kind != kindNone {
			got = string(f.append(nil, &c.event, at))
		}
		if got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}

	// syslogd gets them under xinetd's name, and as the level says.
	f := format{head: headSyslog, layout: layoutXinetd, facility: 24, severity: 6, pid: 99}
	for _, c := range []struct {
		event Event
		want  string
	}{
		{refuse("address").event(h), "<30>Jan  5 21:02:04 xinetd[99]: FAIL: ftp address from=192.0.2.7\n"},
		{exit.event(all), "<30>Jan  5 21:02:04 xinetd[99]: TRAFFIC: echo-stream in=5(bytes) out=17(bytes)\n<30>Jan  5 21:02:04 xinetd[99]: EXIT: echo-stream status=3 pid=4242 duration=12(sec)\n"},
		{Stopped(), "<30>Jan  5 21:02:04 xinetd[99]: NOTICE: Exiting...\n"},
		{ReloadFailed(errors.New("no")), "<27>Jan  5 21:02:04 xinetd[99]: ERROR: RELOAD-FAILED error=no\n"},
	} {
		if got := string(f.append(nil, &c.event, at)); got != c.want {
			t.Errorf("syslog: got  %q\nwant %q", got, c.want)
		}
	}
}
