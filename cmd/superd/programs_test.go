package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
)

// waitserver serves the socket that it finds as descriptor 0, as the program of a wait service does: it answers what it
// is sent with its pid and the same text, N times, and leaves. It knows stream from dgram by itself. With a TEXT it waits for
// no line of a stream's clients, and sends them the TEXT.
//
//	waitserver N [TEXT]
func waitserver() {
	rounds, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fail(err)
	}
	kind, err := syscall.GetsockoptInt(0, syscall.SOL_SOCKET, syscall.SO_TYPE)
	if err != nil {
		fail(err)
	}
	serveOne := answerStream
	if kind == syscall.SOCK_DGRAM {
		serveOne = answerDatagram
	}
	for range rounds {
		serveOne()
	}
}

func answerStream() {
	fd, _, err := syscall.Accept(0)
	if err != nil {
		fail(err)
	}
	defer syscall.Close(fd)
	if len(os.Args) > 2 {
		_, _ = syscall.Write(fd, []byte(os.Args[2]))
		return
	}
	var text []byte
	for b := make([]byte, 512); !bytes.HasSuffix(text, []byte("\n")); {
		n, err := syscall.Read(fd, b)
		if err != nil || n == 0 {
			return
		}
		text = append(text, b[:n]...)
	}
	_, _ = syscall.Write(fd, signed(text)) // a client that is gone is served
}

func answerDatagram() {
	b := make([]byte, 64<<10)
	n, from, err := syscall.Recvfrom(0, b, 0)
	if err != nil {
		fail(err)
	}
	if err := syscall.Sendto(0, signed(b[:n]), 0, from); err != nil {
		fail(err)
	}
}

func signed(text []byte) []byte {
	return fmt.Appendf(nil, "%d %s", os.Getpid(), text)
}

// fail cannot tell anybody why: descriptor 2 is the socket.
func fail(error) { os.Exit(3) }
