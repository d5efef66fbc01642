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
	e := environ{buf: make([]byte, 0, 384)}
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
	ends [9]int
	n    int
}

func (e *environ) name(prefix, name string) {
	e.buf = append(append(append(e.buf, prefix...), name...), '=')
}

func (e *environ) end() {
	e.ends[e.n] = len(e.buf)
	e.n++
}

func (e *environ) text(name, value string) {
	e.name("", name)
	e.buf = append(e.buf, value...)
	e.end()
}

func (e *environ) addr(prefix, name string, a netip.Addr) {
	e.name(prefix, name)
	e.buf = a.Unmap().AppendTo(e.buf)
	e.end()
}

func (e *environ) port(prefix, name string, port uint16) {
	e.name(prefix, name)
	e.buf = strconv.AppendUint(e.buf, uint64(port), 10)
	e.end()
}

func (e *environ) list() []string {
	all, from := string(e.buf), 0
	list := make([]string, e.n)
	for i, to := range e.ends[:e.n] {
		list[i], from = all[from:to], to
	}
	return list
}
