package event

import (
	"bytes"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"superd/superd/config"
)

func TestRedact(t *testing.T) {
	var key [32]byte
	hash := redactor{config.RedactHash, &key}.hash
	four, six := netip.MustParseAddrPort("192.0.2.7:51234"), netip.MustParseAddrPort("[2001:db8:1:2::7]:1024")
	for _, c := range []struct {
		how  config.Redaction
		peer netip.AddrPort
		want string // what stands between the number and the verdict
	}{
		{config.RedactNone, four, " from=192.0.2.7 port=51234"},
		{config.RedactPrefix, four, " from=192.0.2.0"},
		{config.RedactPrefix, netip.MustParseAddrPort("[::ffff:192.0.2.7]:1"), " from=192.0.2.0"},
		{config.RedactPrefix, six, " from=2001:db8:1::"},
		{config.RedactPrefix, netip.MustParseAddrPort("[fe80::7%2]:1"), " from=fe80::"},
		{config.RedactHash, four, " from=" + hash(four.Addr())},
		{config.RedactHash, netip.MustParseAddrPort("[fe80::7%2]:1"), " from=" + hash(netip.MustParseAddr("fe80::7"))},
		{config.RedactDrop, four, ""},
		{config.RedactHash, netip.AddrPort{}, ""},
	} {
		s := Start{Service: "s", Peer: c.peer, Local: netip.MustParseAddrPort("192.0.2.1:7")}
		e := s.event(config.LogHost)
		f := format{redact: redactor{c.how, &key}}
		if got, want := string(f.append(nil, &e, sampleTime)), "START service=s conn=0"+c.want+" to=192.0.2.1 to_port=7\n"; got != want {
			t.Errorf("%v of %v: got %q, want %q", c.how, c.peer, got, want)
		}
	}
}

// A detail may name the peer in words; the kernel's message about a fork does not.
func TestRedactDetail(t *testing.T) {
	for verdict, stays := range map[string]bool{"lookup": false, "address": false, "fork": true, "descriptors": true} {
		r := Refuse{Service: "s", Peer: netip.MustParseAddrPort("192.0.2.7:1"), Verdict: verdict, Detail: "lookup 7.2.0.192.in-addr.arpa"}
		e := r.event(config.LogHost)
		f := format{redact: redactor{config.RedactDrop, nil}}
		if got := string(f.append(nil, &e, sampleTime)); strings.Contains(got, "in-addr") != stays || strings.Contains(got, "192.0.2.7 ") {
			t.Errorf("%s", got)
		}
	}
}

// In no layout is anything left of an address, and what else an event has is all there.
func TestRedactEverywhere(t *testing.T) {
	var key [32]byte
	for _, s := range samples() {
		for _, layout := range []layout{layoutText, layoutJSON, layoutJournal, layoutXinetd} {
			whole := format{layout: layout, head: headXinetd}
			if layout != layoutXinetd {
				whole.head = headNone
			}
			less := whole
			less.redact = redactor{config.RedactDrop, &key}
			a, b := whole.append(nil, &s.event, sampleTime), less.append(nil, &s.event, sampleTime)
			for _, secret := range []string{"192.0.2.7", "51234", "2001:db8::7", "1024"} {
				if bytes.Contains(b, []byte(secret)) {
					t.Errorf("%q is left in %q", secret, b)
				}
			}
			if s.event.kind > kindUserID && !aboutPeers(s.event.kind) && !bytes.Equal(a, b) {
				t.Errorf("%q became %q", a, b)
			}
		}
	}
}

// Two daemons do not give an address the same hash, one always does.
func TestRedactKey(t *testing.T) {
	word := func(h *Hub) string {
		e := (&Start{Service: "s", Peer: netip.MustParseAddrPort("192.0.2.7:1")}).event(config.LogHost)
		f := format{redact: redactor{config.RedactHash, &h.key}}
		return string(regexp.MustCompile(`from=hash:[0-9a-f]{16}\n`).Find(f.append(nil, &e, sampleTime)))
	}
	a, b := NewHub(io.Discard), NewHub(io.Discard)
	defer a.Close(0)
	defer b.Close(0)
	first, again := word(a), word(a)
	if first == "" || first != again || first == word(b) {
		t.Errorf("hashes %q, %q and %q", first, again, word(b))
	}
}
