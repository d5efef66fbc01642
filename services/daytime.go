package services

import (
	"bytes"
	"time"
)

// appendDaytime appends the one line of RFC 867 as xinetd sends it, "22 NOV 2026 12:31:42 UTC". The RFC leaves the form open.
func appendDaytime(b []byte, now time.Time) []byte {
	start := len(b)
	b = now.AppendFormat(b, "02 Jan 2006 15:04:05 MST\r\n")
	month := b[start+3 : start+6]
	copy(month, bytes.ToUpper(month))
	return b
}
