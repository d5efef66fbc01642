package main

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Ports for servers are taken from below those that the kernel gives to clients (32768 and up).
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePorts is n ports in a row that nobody has at the address now; the first is returned. They are not reserved: a server that
// finds one taken all the same says so.
func freePorts(addr netip.Addr, network string, n int) (netip.AddrPort, error) {
	start := firstPort
	for port := start; port < start+n; port++ {
		if port > lastPort {
			return netip.AddrPort{}, fmt.Errorf("no %d free ports in a row at %v", n, addr)
		}
		if !free(addr, network, port) {
			start = port + 1
		}
	}
	return netip.AddrPortFrom(addr, uint16(start)), nil
}

func free(addr netip.Addr, network string, port int) bool {
	kind := unix.SOCK_STREAM
	if network == "udp" {
		kind = unix.SOCK_DGRAM
	}
	fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if kind == unix.SOCK_STREAM {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	return unix.Bind(fd, &unix.SockaddrInet4{Addr: addr.As4(), Port: port}) == nil
}
