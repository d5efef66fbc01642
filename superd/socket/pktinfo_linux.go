package socket

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// destination reads ip(7)'s and ipv6(7)'s pktinfo messages. Of an IPv4 datagram on a dual-stack socket there are
// both; the IPv4 one knows more and comes first. A socket bound to one address needs neither.
func (s *Socket) destination(control []byte) Destination {
	d := Destination{Addr: s.local.Addr(), Source: s.local.Addr()}
	for len(control) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(control)
		if err != nil {
			break
		}
		switch {
		case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return destination4((*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0])))
		case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			d = destination6((*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0])))
		}
		control = rest
	}
	return d
}

// destination4: the kernel fills in Spec_dst, and the interface, only for what arrived after the option was set.
func destination4(p *unix.Inet4Pktinfo) Destination {
	d := Destination{Addr: netip.AddrFrom4(p.Addr), Source: netip.AddrFrom4(p.Spec_dst), Interface: int(p.Ifindex)}
	if d.Source.IsUnspecified() {
		d.Source = answerable(d.Addr)
	}
	return d
}

func destination6(p *unix.Inet6Pktinfo) Destination {
	a := withZone(netip.AddrFrom16(p.Addr).Unmap(), p.Ifindex)
	return Destination{Addr: a, Source: answerable(a), Interface: int(p.Ifindex)}
}

// answerable is a itself, or invalid if no answer can come from it.
func answerable(a netip.Addr) netip.Addr {
	if a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}) {
		return netip.Addr{}
	}
	return a
}

// appendSource appends the control message that makes a datagram leave from d. The interface is left to the routing
// table, which may well answer through another one, except where the address means nothing without it.
func (s *Socket) appendSource(control []byte, d Destination) []byte {
	switch {
	case !d.Source.IsValid() || d.Source.IsUnspecified():
		return control
	case s.family == unix.AF_INET:
		info := unix.Inet4Pktinfo{Spec_dst: d.Source.As4()}
		return appendControl(control, unix.IPPROTO_IP, unix.IP_PKTINFO, (*[unix.SizeofInet4Pktinfo]byte)(unsafe.Pointer(&info))[:])
	}
	info := unix.Inet6Pktinfo{Addr: d.Source.As16(), Ifindex: zone(d.Source)}
	return appendControl(control, unix.IPPROTO_IPV6, unix.IPV6_PKTINFO, (*[unix.SizeofInet6Pktinfo]byte)(unsafe.Pointer(&info))[:])
}

// appendControl appends a control message (cmsg(3)) and the space behind it.
func appendControl(control []byte, level, kind int32, data []byte) []byte {
	header := unix.Cmsghdr{Level: level, Type: kind}
	header.SetLen(unix.CmsgLen(len(data)))
	from := len(control)
	control = append(control, (*[unix.SizeofCmsghdr]byte)(unsafe.Pointer(&header))[:]...)
	control = append(control, make([]byte, unix.CmsgLen(0)-unix.SizeofCmsghdr)...)
	control = append(control, data...)
	return append(control, make([]byte, from+unix.CmsgSpace(len(data))-len(control))...)
}
