package config

import (
	"net/netip"
	"strings"
)

// String is "tcp 127.0.0.1:13", "udp [::]:69", or with a device "tcp 0.0.0.0%eth0:13" and "udp [::%eth0]:69".
// An IPv6 wildcard that leaves IPv4 out is "tcp [::]:13 v6only".
func (e Endpoint) String() string {
	var b strings.Builder
	if e.SocketType == Dgram {
		b.WriteString("udp ")
	} else {
		b.WriteString("tcp ")
	}
	if e.Device == "" {
		b.WriteString(e.Addr.String())
	} else {
		text := netip.AddrPortFrom(e.Addr.Addr().WithZone(""), e.Addr.Port()).String()
		i := strings.LastIndexByte(text, ':')
		host, port := text[:i], text[i:]
		if inner, ok := strings.CutSuffix(host, "]"); ok {
			b.WriteString(inner + "%" + e.Device + "]" + port)
		} else {
			b.WriteString(host + "%" + e.Device + port)
		}
	}
	if e.Any != "" {
		b.WriteString(" (any port, for " + e.Any + ")")
	}
	if e.V6Only {
		b.WriteString(" v6only")
	}
	return b.String()
}
