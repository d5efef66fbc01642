package services

import (
	"bytes"
	"net"
	"time"
)

// daytimeStream writes one line and ends (RFC 867).
func daytimeStream(c net.Conn) error {
	return answer(c, appendDaytime(nil, time.Now()))
}

func daytimeDgram(reply, _ []byte, now time.Time) []byte {
	return appendDaytime(reply[:0], now)
}

// appendDaytime appends the line xinetd sends, "22 NOV 2026 12:31:42 UTC". RFC 867 leaves the form open.
func appendDaytime(b []byte, now time.Time) []byte {
	start := len(b)
	b = now.AppendFormat(b, "02 Jan 2006 15:04:05 MST\r\n")
	month := b[start+3 : start+6]
	copy(month, bytes.ToUpper(month))
	return b
}
