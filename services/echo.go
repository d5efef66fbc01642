package services

import (
	"net"
	"time"
)

// echoStream sends back what it reads (RFC 862). After the peer's end of file everything has been sent back.
func echoStream(c net.Conn) error {
	var b buffer
	defer b.release()
	for {
		p, err := b.read(c)
		if len(p) > 0 {
			if _, err := c.Write(p); err != nil {
				return ended(err)
			}
		}
		if err != nil {
			return ended(err)
		}
	}
}

func echoDgram(reply, request []byte, _ time.Time) []byte {
	return append(reply[:0], request...)
}
