package event

import (
	"bytes"
	"net"
)

// socket sends datagrams to syslogd or journald, and finds them again when they have been away.
type socket struct {
	path  string
	lines bool // each line is a datagram; otherwise each event
	conn  *net.UnixConn
}

func (s *socket) write(b *batch) (int, error) {
	if s.conn == nil {
		if err := s.dial(); err != nil {
			return 0, err
		}
	}
	for i := range b.len() {
		if err := s.event(b.event(i)); err != nil {
			return i, err
		}
	}
	return b.len(), nil
}

func (s *socket) event(p []byte) error {
	if !s.lines {
		return s.send(p)
	}
	for line := range bytes.Lines(p) {
		if err := s.send(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
			return err
		}
	}
	return nil
}

// send tries a second time on a new connection: the daemon at the other end may be another one than before.
func (s *socket) send(p []byte) error {
	if s.conn != nil {
		if _, err := s.conn.Write(p); err == nil {
			return nil
		}
		s.close()
	}
	if err := s.dial(); err != nil {
		return err
	}
	_, err := s.conn.Write(p)
	return err
}

func (s *socket) dial() error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: s.path, Net: "unixgram"})
	if err == nil {
		s.conn = conn
	}
	return err
}

// reopen leaves the connecting to write.
func (s *socket) reopen() error {
	s.close()
	return nil
}

func (s *socket) close() {
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}
