package services

import (
	"bytes"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// What tcpmux says (RFC 1078): a plus sign and the service follows, or a minus sign and the reason why not.
const (
	MuxGo      = "+Go\r\n"
	MuxUnknown = "-Service name not found\r\n"
	MuxBusy    = "-Service not available\r\n"
	muxTooLong = "-Service name too long\r\n"
)

const (
	muxTime = 30 * time.Second // for the line to be complete
	muxMost = 256              // bytes of it
)

var errTooLong = errors.New("the service's name is too long")

// MuxName reads the line by which a client of tcpmux names the service it wants (RFC 1078), without its end, and not one
// byte of what follows, which is the service's. A bare LF ends it too. It is bounded in length and in time.
func MuxName(c Stream) (string, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return "", err
	}
	if err := c.SetReadDeadline(time.Now().Add(muxTime)); err != nil {
		return "", err
	}
	var line []byte
	for len(line) < muxMost {
		part, err := muxPart(raw, muxMost-len(line))
		if err != nil {
			return "", err
		}
		line = append(line, part...)
		if name, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			return string(bytes.TrimSuffix(name, []byte("\r"))), c.SetReadDeadline(time.Time{})
		}
	}
	return "", errTooLong
}

// muxPart takes what has come, but nothing beyond the end of the line: it looks first.
func muxPart(raw syscall.RawConn, most int) (part []byte, err error) {
	var buf [muxMost]byte
	var failure error
	err = raw.Read(func(fd uintptr) bool {
		var n int
		if n, failure = peek(int(fd), buf[:most]); failure == syscall.EAGAIN {
			return false
		}
		if failure != nil || n == 0 {
			return true
		}
		if end := bytes.IndexByte(buf[:n], '\n'); end >= 0 {
			n = end + 1
		}
		n, failure = syscall.Read(int(fd), buf[:n]) // it is there
		part = buf[:max(n, 0)]
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case failure != nil:
		return nil, failure
	case len(part) == 0:
		return nil, io.ErrUnexpectedEOF
	}
	return part, nil
}

func peek(fd int, buf []byte) (int, error) {
	for {
		n, _, err := syscall.Recvfrom(fd, buf, syscall.MSG_PEEK)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// MuxAnswer is the whole answer to a client who gets no service.
func MuxAnswer(c net.Conn, text string) error { return answer(c, []byte(text)) }

// MuxHelp answers the name "help": the names, one a line.
func MuxHelp(c net.Conn, names []string) error {
	var text []byte
	for _, name := range names {
		text = append(append(text, name...), '\r', '\n')
	}
	return answer(c, text)
}

// MuxFailed answers a client whose line could not be read, and returns what is worth telling.
func MuxFailed(c net.Conn, err error) error {
	if errors.Is(err, errTooLong) {
		return errors.Join(err, answer(c, []byte(muxTooLong)))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return ended(err)
}

// muxStream is a multiplexer without services: superd gives those that it has before this one is asked.
func muxStream(c net.Conn) error {
	stream, ok := c.(Stream)
	if !ok {
		return MuxAnswer(c, MuxUnknown)
	}
	switch name, err := MuxName(stream); {
	case err != nil:
		return MuxFailed(c, err)
	case name == "help":
		return MuxHelp(c, nil)
	}
	return MuxAnswer(c, MuxUnknown)
}
