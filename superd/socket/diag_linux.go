package socket

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What sock_diag(7) says about TCP sockets. The layouts are those of linux/inet_diag.h and linux/tcp.h; numbers are in the
// machine's order but for ports and addresses.

// Traffic is the bytes of a connection, from the peer and to it. The kernel counts the peer's end of file as a byte of In
// where it came before superd's side was closed. Out is what the peer has acknowledged.
type Traffic struct{ In, Out uint64 }

const (
	diagMessage = unix.SizeofNlMsghdr + 72 // a netlink header and a struct inet_diag_msg
	diagRequest = unix.SizeofNlMsghdr + 56 // a netlink header and a struct inet_diag_req_v2
	diagCookie  = 44                       // of the struct: struct inet_diag_sockid.idiag_cookie
	diagInfo    = 2                        // INET_DIAG_INFO, an attribute that is a struct tcp_info
)

// Of struct tcp_info. The first two are there since Linux 4.1, which superd's oldest is newer than; the others since 4.19.
const (
	bytesAcked    = int(unsafe.Offsetof(unix.TCPInfo{}.Bytes_acked))
	bytesReceived = int(unsafe.Offsetof(unix.TCPInfo{}.Bytes_received))
	dataSegsIn    = int(unsafe.Offsetof(unix.TCPInfo{}.Data_segs_in))
	bytesSent     = int(unsafe.Offsetof(unix.TCPInfo{}.Bytes_sent))
	bytesRetrans  = int(unsafe.Offsetof(unix.TCPInfo{}.Bytes_retrans))
)

// parseDiag reads the first message of b, which is about one socket. rest is what follows it; nil when there is nothing more
// that can be read. ok is false for a message of another kind, or that is cut short.
func parseDiag(b []byte) (cookie uint64, t Traffic, rest []byte, ok bool) {
	if len(b) < unix.SizeofNlMsghdr {
		return 0, t, nil, false
	}
	size := int(binary.NativeEndian.Uint32(b))
	if size < unix.SizeofNlMsghdr || size > len(b) {
		return 0, t, nil, false
	}
	if next := (size + 3) &^ 3; next < len(b) {
		rest = b[next:]
	}
	if kind := binary.NativeEndian.Uint16(b[4:]); kind != unix.SOCK_DIAG_BY_FAMILY || size < diagMessage {
		return 0, t, rest, false
	}
	cookie = binary.NativeEndian.Uint64(b[unix.SizeofNlMsghdr+diagCookie:])
	for attrs := b[diagMessage:size]; len(attrs) >= unix.SizeofNlAttr; {
		n := int(binary.NativeEndian.Uint16(attrs))
		if n < unix.SizeofNlAttr || n > len(attrs) {
			return 0, t, rest, false
		}
		if binary.NativeEndian.Uint16(attrs[2:]) == diagInfo {
			t, ok = readInfo(attrs[unix.SizeofNlAttr:n])
			return cookie, t, rest, ok
		}
		attrs = attrs[min((n+3)&^3, len(attrs)):]
	}
	return 0, t, rest, false
}

// readInfo takes the bytes from a struct tcp_info. Where the kernel tells how many went out, the acknowledged end of file is
// not counted among them, and where no segment had data, neither is the peer's.
func readInfo(info []byte) (Traffic, bool) {
	if len(info) < bytesReceived+8 {
		return Traffic{}, false
	}
	long := func(at int) uint64 { return binary.NativeEndian.Uint64(info[at:]) }
	t := Traffic{In: long(bytesReceived), Out: long(bytesAcked)}
	if len(info) >= bytesRetrans+8 && long(bytesSent) >= long(bytesRetrans) {
		t.Out = min(t.Out, long(bytesSent)-long(bytesRetrans))
	}
	if len(info) >= dataSegsIn+4 && binary.NativeEndian.Uint32(info[dataSegsIn:]) == 0 {
		t.In = 0
	}
	return t, true
}

// appendDiagRequest asks for one TCP socket by its addresses, unmapped, and its cookie.
func appendDiagRequest(b []byte, local, peer netip.AddrPort, cookie uint64) []byte {
	family, want := byte(unix.AF_INET6), local.Addr().As16()
	from := peer.Addr().As16()
	if local.Addr().Is4() {
		family = unix.AF_INET
		four, fromFour := local.Addr().As4(), peer.Addr().As4()
		want, from = [16]byte{}, [16]byte{}
		copy(want[:], four[:])
		copy(from[:], fromFour[:])
	}
	native := binary.NativeEndian
	b = native.AppendUint32(b, diagRequest)
	b = native.AppendUint16(b, unix.SOCK_DIAG_BY_FAMILY)
	b = native.AppendUint16(b, unix.NLM_F_REQUEST)
	b = native.AppendUint64(b, 0)                               // sequence, sender
	b = append(b, family, unix.IPPROTO_TCP, 1<<(diagInfo-1), 0) // extensions wanted
	b = native.AppendUint32(b, ^uint32(0))                      // in any state
	b = binary.BigEndian.AppendUint16(b, local.Port())          // struct inet_diag_sockid
	b = binary.BigEndian.AppendUint16(b, peer.Port())           //
	b = append(append(b, want[:]...), from[:]...)               //
	b = native.AppendUint32(b, zone(local.Addr()))              //
	return native.AppendUint64(b, cookie)
}

// LiveTraffic is what a connection has carried so far. It takes no privilege. cookie is the socket's (SO_COOKIE), so that no
// other one with the same addresses is meant; an error is there also when no process or peer needs the socket any more.
func LiveTraffic(local, peer netip.AddrPort, cookie uint64) (Traffic, error) {
	if local.Addr().Is4() != peer.Addr().Is4() || !local.IsValid() || !peer.IsValid() {
		return Traffic{}, fmt.Errorf("no connection leads from %v to %v", peer, local)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return Traffic{}, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, appendDiagRequest(nil, local, peer, cookie), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return Traffic{}, os.NewSyscallError("sendto", err)
	}
	b := make([]byte, diagBuffer)
	n, _, err := unix.Recvfrom(fd, b, unix.MSG_DONTWAIT) // the kernel answers while it is asked
	if err != nil {
		return Traffic{}, os.NewSyscallError("recvfrom", err)
	}
	_, t, _, ok := parseDiag(b[:n])
	if !ok {
		return Traffic{}, unix.ENOENT
	}
	return t, nil
}

// diagBuffer holds any message about one socket.
const diagBuffer = 8 << 10

// Cookie is the number by which the kernel tells fd's socket from all others there have been since it booted.
func Cookie(fd int) (uint64, error) {
	cookie, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	return cookie, os.NewSyscallError("getsockopt", err)
}
