package socket

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"os"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Classic BPF sees a socket's packet from the transport header on; this leads to the network header (linux/filter.h).
const (
	networkHeader = 0xfff00000 // SKF_NET_OFF
	source4       = networkHeader + 12
	source6       = networkHeader + 8
	pass          = 0xffffffff
)

func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

func and(mask uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: mask}
}

// unless skips so many instructions when the accumulator is not v.
func unless(v uint32, skip int) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: v, Jf: uint8(skip)}
}

func answer(pass uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: pass}
}

// peerFilter lets packets of those in whom a admits by address, and drops all others: the most specific rule decides, and
// of two equal ones that of no_access. Rules by name are left out; config allows none here.
func peerFilter(a *config.Access) []unix.SockFilter {
	type rule struct {
		prefix netip.Prefix
		answer uint32
	}
	var four, six []rule
	add := func(rules []config.Rule, answer uint32) {
		for _, r := range rules {
			switch {
			case !r.Prefix.IsValid():
			case r.Prefix.Addr().Is4():
				four = append(four, rule{r.Prefix, answer})
			default:
				six = append(six, rule{r.Prefix, answer})
			}
		}
	}
	add(a.NoAccess, 0)
	add(a.OnlyFrom, pass)
	otherwise := uint32(pass)
	if a.Restricted {
		otherwise = 0
	}
	compile := func(rules []rule, source uint32) []unix.SockFilter {
		slices.SortStableFunc(rules, func(a, b rule) int { return cmp.Compare(b.prefix.Bits(), a.prefix.Bits()) })
		var program []unix.SockFilter
		for _, r := range rules {
			program = append(program, matches(r.prefix, source)...)
			program = append(program, answer(r.answer))
		}
		return append(program, answer(otherwise))
	}
	// The version of IP stands in the first four bits.
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: networkHeader},
		and(0xf0),
	}
	code4, code6 := compile(four, source4), compile(six, source6)
	program = append(program,
		unless(0x40, 1),
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: uint32(len(code6))})
	return append(append(program, code6...), code4...)
}

// senderFilter lets UDP datagrams of one sender pass.
func senderFilter(peer netip.AddrPort) []unix.SockFilter {
	addr, source := peer.Addr().Unmap(), uint32(source6)
	if addr.Is4() {
		source = source4
	}
	program := matches(netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), source)
	program = append(program,
		unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JA, K: 1},
		answer(0),
		unix.SockFilter{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: 0}, // the source port
		unless(uint32(peer.Port()), 1),
		answer(pass))
	return append(program, answer(0))
}

// matches falls through to the next instruction if the source is in the prefix, and passes over it otherwise.
func matches(p netip.Prefix, source uint32) []unix.SockFilter {
	addr, bits := p.Addr().AsSlice(), p.Bits()
	var program []unix.SockFilter
	for i := 0; i < bits; i += 32 {
		program = append(program, load(source+uint32(i/8)))
		if rest := bits - i; rest < 32 {
			program = append(program, and(^uint32(0)<<(32-rest)))
		}
		program = append(program, unless(binary.BigEndian.Uint32(addr[i/8:]), 0))
	}
	for i := range program {
		if program[i].Code == unix.BPF_JMP|unix.BPF_JEQ|unix.BPF_K {
			program[i].Jf = uint8(len(program) - i)
		}
	}
	return program
}

// filter makes fd hear only the peers that o allows; was is what held before.
func filter(fd int, o, was config.SocketOptions) error {
	switch {
	case o.Peers != nil:
		return os.NewSyscallError("attach filter", attach(fd, peerFilter(o.Peers)))
	case was.Peers != nil:
		err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DETACH_FILTER, 0)
		if err == unix.ENOENT { // of a socket that was handed to us
			err = nil
		}
		return os.NewSyscallError("detach filter", err)
	}
	return nil
}

// Dropped is how many packets the kernel has kept from the socket since it was opened: by the filter of
// SocketOptions.Peers, or for want of room. It counts round at 2^32.
func (s *Socket) Dropped() (uint32, error) {
	var info [9]uint32 // SK_MEMINFO_VARS (linux/sock_diag.h)
	const drops = 8
	err := s.control(func(fd int) error {
		length := uint32(unsafe.Sizeof(info))
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&length)), 0)
		if errno != 0 {
			return os.NewSyscallError("getsockopt", errno)
		}
		return nil
	})
	return info[drops], err
}
