package services

import (
	"net"
	"time"
)

const (
	chargenFirst = ' '
	chargenCount = 95 // printable characters of ASCII, the space first
	chargenWidth = 72 // characters in a line
	chargenLine  = chargenWidth + len("\r\n")
	chargenMost  = 512 // the most that RFC 864 lets a datagram carry
)

// chargenCycle is the classic pattern once around: each line starts one character further on.
var chargenCycle = func() []byte {
	b := make([]byte, 0, chargenCount*chargenLine)
	for line := range chargenCount {
		for col := range chargenWidth {
			b = append(b, chargenFirst+byte((line+col)%chargenCount))
		}
		b = append(b, "\r\n"...)
	}
	return b
}()

// chargenStream writes the pattern until the peer leaves (RFC 864). What the peer says is not read.
func chargenStream(c net.Conn) error {
	for {
		if _, err := c.Write(chargenCycle); err != nil {
			return ended(err)
		}
	}
}

// chargenDgram answers with the whole lines that fit. RFC 864 leaves their number open, up to 512 characters.
func chargenDgram(reply, _ []byte, _ time.Time) []byte {
	return append(reply[:0], chargenCycle[:chargenMost/chargenLine*chargenLine]...)
}
