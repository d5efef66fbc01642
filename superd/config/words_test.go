package config

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func noInterface(string) bool { return false }

func TestParseRules(t *testing.T) {
	network := func(name string) (netip.Prefix, bool) {
		return netip.MustParsePrefix("127.0.0.0/8"), name == "loopback"
	}
	for _, c := range []struct{ word, want string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.0", "192.0.2.0/24"},
		{"10.1.0.0", "10.1.0.0/16"},
		{"10.0.0.0", "10.0.0.0/8"},
		{"10.0.0.1", "10.0.0.1/32"},
		{"0.0.0.0", "0.0.0.0/0"},
		{"::", "::/0"},
		{"::1", "::1/128"},
		{"2001:db8::", "2001:db8::/128"},
		{"::ffff:192.0.2.0", "192.0.2.0/32"},
		{"192.0.2.0/32", "192.0.2.0/32"},
		{"0.0.0.0/0", "0.0.0.0/0"},
		{"::/0", "::/0"},
		{"2001:db8::1/128", "2001:db8::1/128"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
		{"10.0.0.0/255.0.0.0", "10.0.0.0/8"},
		{"10.0.0.0/0.0.0.0", "0.0.0.0/0 note"},
		{"10.0.0.1/255.255.255.255", "10.0.0.1/32"},
		{"10.1.2.3/8", "10.0.0.0/8 note"},
		{"2001:db8::1/32", "2001:db8::/32 note"},
		{"1.2.{3,4}", "1.2.3.0/24 1.2.4.0/24"},
		{"1.2.3.{0,5}", "1.2.3.0/32 1.2.3.5/32"},
		{"{10,192}", "10.0.0.0/8 192.0.0.0/8"},
		{"Host.Example.Org", "host.example.org"},
		{"host.example.org.", "host.example.org"},
		{".example.org", ".example.org"},
		{"localhost", "localhost"},
		{"loopback", "127.0.0.0/8"},
		{"1.2.3.4.in-addr.arpa", "1.2.3.4.in-addr.arpa"},
		{"", "error"},
		{".", "error"},
		{"..", "error"},
		{"1.2.3", "error"},
		{"1.2.3.4.5", "error"},
		{"1.2.3.256", "error"},
		{"10.0.0.0/33", "error"},
		{"10.0.0.0/-1", "error"},
		{"10.0.0.0/+1", "error"},
		{"10.0.0.0/", "error"},
		{"/8", "error"},
		{"::/129", "error"},
		{"::ffff:10.0.0.0/90", "error"},
		{"::/255.0.0.0", "error"},
		{"10.0.0.0/255.0.255.0", "error"},
		{"fe80::1%eth0", "error"},
		{"fe80::%eth0/64", "error"},
		{"1.{2,3}.4", "error"},
		{"1.2.3.4.{5,6}", "error"},
		{"1.2.{3,4", "error"},
		{"1.2.{}", "error"},
		{"1.2{3,4}", "error"},
		{"{" + strings.Repeat("1,", maxFactors) + "1}", "error"},
		{"a,b", "error"},
		{"a b", "error"},
		{"*.example.org", "error"},
		{"ALL", "error"},
		{"!10.0.0.1", "error"},
		{"a..b", "error"},
		{"host.123", "error"},
		{strings.Repeat("a", 64) + ".org", "error"},
		{strings.Repeat("a.", 127) + "org", "error"},
		{"2001:db8::1:80:", "error"},
	} {
		rules, note, err := parseRules(c.word, network)
		var got []string
		for _, r := range rules {
			if r.Name != "" {
				got = append(got, r.Name)
			} else {
				got = append(got, r.Prefix.String())
			}
			if err == nil && r.Word != c.word {
				t.Errorf("%q: word %q", c.word, r.Word)
			}
		}
		if note != "" {
			got = append(got, "note")
		}
		if err != nil {
			got = []string{"error"}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q (%v), want %q", c.word, got, err, c.want)
		}
	}
}

// FuzzRules: a word that is accepted is a masked range or a lower-case name, and IPv4 is never mapped.
func FuzzRules(f *testing.F) {
	for _, s := range []string{"192.0.2.0", "::ffff:1.2.3.4", "10.0.0.0/255.0.0.0", "1.2.{3,4}", ".example.org", "fe80::1%eth0", "1.2.3.4/", "{", "a b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		rules, _, err := parseRules(word, nil)
		if err != nil {
			return
		}
		if len(rules) == 0 || len(rules) > maxFactors {
			t.Fatalf("%d rules", len(rules))
		}
		for _, r := range rules {
			valid := r.Prefix.IsValid()
			if valid == (r.Name != "") || r.Word != word {
				t.Fatalf("%+v", r)
			}
			if valid && (r.Prefix != r.Prefix.Masked() || r.Prefix.Addr().Is4In6() || r.Prefix.Addr().Zone() != "") {
				t.Fatalf("prefix %s", r.Prefix)
			}
			if r.Name != strings.ToLower(r.Name) {
				t.Fatalf("name %s", r.Name)
			}
		}
	})
}

func TestParseWindow(t *testing.T) {
	const weekend, working = 1<<0 | 1<<6, 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<5
	for _, c := range []struct {
		text string
		want Window
	}{
		{"08:00-18:00", Window{everyDay, 480, 1080}},
		{"8:00-18:05", Window{everyDay, 480, 1085}},
		{"22:00-06:00", Window{everyDay, 1320, 360}},
		{"00:00-24:00", Window{everyDay, 0, 1439}},
		{"22:00-00:00", Window{everyDay, 1320, 0}},
		{"12:00-12:00", Window{everyDay, 720, 720}},
		{"mon-fri 08:00-18:00", Window{working, 480, 1080}},
		{"Sat,Sunday 10:00-12:00", Window{weekend, 600, 720}},
		{"sat-sun 10:00-12:00", Window{weekend, 600, 720}},
		{"fri-mon 00:00-00:01", Window{weekend | 1<<5 | 1<<1, 0, 1}},
		{"sun-sat 00:00-00:01", Window{everyDay, 0, 1}},
		{"mon 00:00-00:01", Window{1 << 1, 0, 1}},
	} {
		if got, err := parseWindow(c.text); err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", "08:00", "08:00 - 18:00", "8-18", "08:0-09:00", "24:01-24:00", "24:00-01:00", "25:00-26:00", "08:60-09:00", "-1:00-02:00",
		"+8:00-09:00", "mo 08:00-09:00", "mon- 08:00-09:00", "mon,,tue 08:00-09:00", "mon-fri-sat 08:00-09:00", "mon", "08:00-09:00-10:00",
	} {
		if w, err := parseWindow(text); err == nil {
			t.Errorf("%q is %+v", text, w)
		}
	}
}

func FuzzWindow(f *testing.F) {
	for _, s := range []string{"08:00-18:00", "fri-mon 22:00-24:00", "sat,sun 0:00-0:00", "24:00-1:00", ":-:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w, err := parseWindow(text)
		if err == nil && (w.Days == 0 || w.Days > everyDay || w.From < 0 || w.From > 1439 || w.To < 0 || w.To > 1439) {
			t.Fatalf("%+v", w)
		}
	})
}

func TestParsePort(t *testing.T) {
	named := func(name string) (uint16, bool) { return 21, name == "ftp" || name == "ftp-x" }
	for _, c := range []struct {
		text        string
		first, last int // 0: refused
	}{
		{"21", 21, 21}, {"ftp", 21, 21}, {"ftp-x", 21, 21}, {"7000-7009", 7000, 7009}, {"1-1024", 1, 1024}, {"65535", 65535, 65535},
		{"0", 0, 0}, {"65536", 0, 0}, {"0-5", 0, 0}, {"1-1025", 0, 0}, {"9-8", 0, 0}, {"65535-65536", 0, 0}, {"-5", 0, 0}, {"5-", 0, 0},
		{"", 0, 0}, {"fpt", 0, 0}, {"99999999999999999999", 0, 0}, {"1-99999999999999999999", 0, 0}, {"+5", 0, 0}, {"7 000", 0, 0},
	} {
		first, last, err := parsePort(c.text, named)
		if (err == nil) != (c.first > 0) || err == nil && (first != c.first || last != c.last) {
			t.Errorf("%q: %d-%d, %v; want %d-%d", c.text, first, last, err, c.first, c.last)
		}
	}
}

func FuzzPort(f *testing.F) {
	for _, s := range []string{"21", "7000-7009", "ftp", "0-0", "65536", "1-2-3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, last, err := parsePort(text, func(string) (uint16, bool) { return 21, len(text)%2 == 0 })
		if err == nil && (first < 1 || last < first || last > 65535 || last-first >= maxPorts) {
			t.Fatalf("%d-%d", first, last)
		}
	})
}

func TestParsePlace(t *testing.T) {
	exists := func(name string) bool { return name == "veth.a:1" }
	for _, c := range []struct{ text, addr, device string }{
		{"127.0.0.1", "127.0.0.1", ""},
		{"::ffff:127.0.0.1", "127.0.0.1", ""},
		{"fe80::1%eth0", "fe80::1%eth0", ""},
		{"eth0", "", "eth0"},
		{"br-lan", "", "br-lan"},
		{"eth0.100", "", "eth0.100"},
		{"veth.a:1", "", "veth.a:1"},
	} {
		p, err := parsePlace(c.text, exists)
		if err != nil || p.device != c.device || c.addr != "" && p.addr.String() != c.addr {
			t.Errorf("%q: %+v, %v", c.text, p, err)
		}
	}
	for _, text := range []string{"", "*", "localhost", "ftp.example.org", "10.0.0", "10.0.0.0/8", "[::1]", "::1:", "averyverylongname0", "a b", "eth0:1"} {
		if p, err := parsePlace(text, noInterface); err == nil {
			t.Errorf("%q is %+v", text, p)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "5": 5, "64K": 64 << 10, "64m": 64 << 20, "2G": 2 << 30, "1T": 1 << 40, "": -1, "K": -1, "-1": -1, "1.5M": -1, "9999999T": -1, "64MB": -1} {
		if got, err := parseSize(text); (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
}

func TestParseLogTypeErrors(t *testing.T) {
	for _, text := range []string{"", " ", "SYSLOG", "SYSLOG x", "SYSLOG daemon x", "SYSLOG daemon info x", "FILE", "FILE x", "FILE /x y", "FILE /x 5 4", "FILE /x 1 2 3", "JOURNAL x", "JOURNAL info x", "STDERR x", "STDOUT"} {
		if got, err := parseLogType(text); err == nil {
			t.Errorf("%q is %+v", text, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"server", "server_args", "user", "id"}
	for given, want := range map[string]string{"servre": "server", "Servers": "server", "serverargs": "server_args", "usr": "user", "ID": "id", "xyz": "", "": ""} {
		got := didYouMean(given, words)
		if want == "" && got != "" || want != "" && got != ` Did you mean "`+want+`"?` {
			t.Errorf("%q:%s, want %q", given, got, want)
		}
	}
}

func TestEndpointString(t *testing.T) {
	for _, c := range []struct {
		e    Endpoint
		want string
	}{
		{Endpoint{Addr: netip.MustParseAddrPort("127.0.0.1:13")}, "tcp 127.0.0.1:13"},
		{Endpoint{Addr: netip.MustParseAddrPort("[::]:69"), SocketType: Dgram}, "udp [::]:69"},
		{Endpoint{Addr: netip.MustParseAddrPort("[::]:69"), V6Only: true}, "tcp [::]:69 v6only"},
		{Endpoint{Addr: netip.MustParseAddrPort("0.0.0.0:69"), Device: "eth0"}, "tcp 0.0.0.0%eth0:69"},
		{Endpoint{Addr: netip.MustParseAddrPort("[::]:69"), Device: "eth0", SocketType: Dgram}, "udp [::%eth0]:69"},
		{Endpoint{Addr: netip.MustParseAddrPort("[fe80::1%eth0]:69")}, "tcp [fe80::1%eth0]:69"},
	} {
		if got := c.e.String(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

func TestReadServices(t *testing.T) {
	dir := write(t, map[string]string{"services": "# comment\nalpha 1234/tcp first second # third\nalpha 99/tcp\nalpha 1235/udp\nbad\nworse x/tcp\n\n"})
	m := machine{ports: make(map[portName]uint16)}
	m.readServices(dir + "/services")
	want := map[portName]uint16{{"alpha", "tcp"}: 1234, {"first", "tcp"}: 1234, {"second", "tcp"}: 1234, {"alpha", "udp"}: 1235}
	if !reflect.DeepEqual(m.ports, want) {
		t.Errorf("%v", m.ports)
	}
	if p, ok := m.port("check_mk-agent", "tcp"); !ok || p != 6556 {
		t.Errorf("well-known port %d", p)
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"127.0.0.0": "127.0.0.0/8", "127": "127.0.0.0/8", "169.254.0.0": "169.254.0.0/16", "192.168.0.0": "192.168.0.0/24",
		"10.1.2.0": "10.1.2.0/24", "0.0.0.0": "0.0.0.0/0", "1.2.3.4.5": "", "x": "",
	} {
		p, ok := parseNetwork(text)
		if ok != (want != "") || ok && p.String() != want {
			t.Errorf("%q: %s, want %s", text, p, want)
		}
	}
}

func TestLegal(t *testing.T) {
	if names := legal(InDaemon); !slices.Equal(names, []string{"watch", "drain", "state", "hosts_access", "control", "control_mode", "control_group", "grace", "log_type", "log_format", "log_redact"}) {
		t.Errorf("superd has %q", names)
	}
}
