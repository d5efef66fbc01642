package spawn

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestConnEnv(t *testing.T) {
	addr := func(s string) netip.AddrPort {
		if s == "" {
			return netip.AddrPort{}
		}
		return netip.MustParseAddrPort(s)
	}
	for _, c := range []struct{ proto, peer, local, want string }{
		{"TCP", "192.0.2.1:4000", "192.0.2.9:21", `SUPERD_SERVICE=ftp PROTO=TCP TCPLOCALIP=192.0.2.9 TCPLOCALPORT=21
			TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=4000 REMOTE_ADDR=192.0.2.1 REMOTE_PORT=4000 REMOTE_HOST=192.0.2.1`},
		{"TCP", "[::ffff:192.0.2.1]:4000", "[::ffff:192.0.2.9]:21", `SUPERD_SERVICE=ftp PROTO=TCP TCPLOCALIP=192.0.2.9 TCPLOCALPORT=21
			TCPREMOTEIP=192.0.2.1 TCPREMOTEPORT=4000 REMOTE_ADDR=192.0.2.1 REMOTE_PORT=4000 REMOTE_HOST=192.0.2.1`},
		{"UDP", "[2001:db8::1]:4000", "[2001:db8::9]:69", `SUPERD_SERVICE=ftp PROTO=UDP UDPLOCALIP=2001:db8::9 UDPLOCALPORT=69
			UDPREMOTEIP=2001:db8::1 UDPREMOTEPORT=4000 REMOTE_ADDR=2001:db8::1 REMOTE_PORT=4000 REMOTE_HOST=2001:db8::1`},
		{"TCP", "[fe80::1%eth0]:65535", "", `SUPERD_SERVICE=ftp PROTO=TCP
			TCPREMOTEIP=fe80::1%eth0 TCPREMOTEPORT=65535 REMOTE_ADDR=fe80::1%eth0 REMOTE_PORT=65535 REMOTE_HOST=fe80::1%eth0`},
		{"TCP", "", "[::]:21", "SUPERD_SERVICE=ftp PROTO=TCP TCPLOCALIP=:: TCPLOCALPORT=21 REMOTE_HOST=<no_address>"},
		{"UDP", "", "", "SUPERD_SERVICE=ftp PROTO=UDP REMOTE_HOST=<no_address>"},
	} {
		want := strings.Fields(c.want)
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "<no_address>", "<no address>")
		}
		if got := ConnEnv("ftp", c.proto, addr(c.peer), addr(c.local)); !slices.Equal(got, want) {
			t.Errorf("%s %s %s:\n%q, want\n%q", c.proto, c.peer, c.local, got, want)
		}
	}
}

func TestConnEnvAllocates(t *testing.T) {
	peer, local := netip.MustParseAddrPort("[2001:db8::1]:4000"), netip.MustParseAddrPort("[2001:db8::9]:69")
	if n := testing.AllocsPerRun(100, func() { ConnEnv("service", "TCP", peer, local) }); n > 3 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzConnEnv(f *testing.F) {
	f.Add("ftp", []byte{127, 0, 0, 1}, uint16(21))
	f.Add("x", make([]byte, 16), uint16(0))
	f.Fuzz(func(t *testing.T, service string, ip []byte, port uint16) {
		a, _ := netip.AddrFromSlice(ip)
		peer := netip.AddrPortFrom(a, port)
		seen := map[string]bool{}
		for _, v := range ConnEnv(service, "TCP", peer, peer) {
			name, value, ok := strings.Cut(v, "=")
			if !ok || value == "" && service != "" || seen[name] {
				t.Fatalf("%q", v)
			}
			seen[name] = true
		}
	})
}
