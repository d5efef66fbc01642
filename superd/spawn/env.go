package spawn

import (
	"net/netip"
	"strconv"
)

// ConnEnv is the environment contract: the variables that tell a program about its connection.
//
//	SUPERD_SERVICE                service
//	PROTO                         proto, TCP or UDP (UCSPI)
//	TCPLOCALIP, TCPLOCALPORT      local, if valid (UCSPI; UDPLOCALIP … for UDP)
//	TCPREMOTEIP, TCPREMOTEPORT    peer, if valid
//	REMOTE_ADDR, REMOTE_PORT      peer, if valid (systemd)
//	REMOTE_HOST                   peer's address, or "<no address>" (xinetd)
//
// All addresses are numeric; an IPv4-mapped one is shown as IPv4.
func ConnEnv(service, proto string, peer, local netip.AddrPort) []string {
	e := environ{buf: make([]byte, 0, 384), ends: make([]int, 0, 9)}
	e.text("SUPERD_SERVICE", service)
	e.text("PROTO", proto)
	if local.IsValid() {
		e.addr(proto, "LOCALIP", local.Addr())
		e.port(proto, "LOCALPORT", local.Port())
	}
	if !peer.IsValid() {
		e.text("REMOTE_HOST", "<no address>")
		return e.list()
	}
	e.addr(proto, "REMOTEIP", peer.Addr())
	e.port(proto, "REMOTEPORT", peer.Port())
	e.addr("REMOTE_", "ADDR", peer.Addr())
	e.port("REMOTE_", "PORT", peer.Port())
	e.addr("REMOTE_", "HOST", peer.Addr())
	return e.list()
}

// environ builds all variables in one buffer, which becomes one string.
type environ struct {
	buf  []byte
	ends []int
}

func (e *environ) text(name, value string) {
	e.buf = append(append(append(e.buf, name...), '='), value...)
	e.ends = append(e.ends, len(e.buf))
}

func (e *environ) addr(prefix, name string, a netip.Addr) {
	e.buf = append(append(append(e.buf, prefix...), name...), '=')
	e.buf = a.Unmap().AppendTo(e.buf)
	e.ends = append(e.ends, len(e.buf))
}

func (e *environ) port(prefix, name string, port uint16) {
	e.buf = append(append(append(e.buf, prefix...), name...), '=')
	e.buf = strconv.AppendUint(e.buf, uint64(port), 10)
	e.ends = append(e.ends, len(e.buf))
}

func (e *environ) list() []string {
	all, from := string(e.buf), 0
	list := make([]string, len(e.ends))
	for i, to := range e.ends {
		list[i], from = all[from:to], to
	}
	return list
}
