package services

import (
	"encoding/binary"
	"time"
)

// since1900 is the number of seconds from 1 January 1900 UTC, where RFC 868 counts from, to 1970.
const since1900 = 2208988800

// appendTime appends the four bytes of RFC 868: the seconds since 1900, modulo 2^32: the count starts anew on 7 February 2036.
func appendTime(b []byte, now time.Time) []byte {
	return binary.BigEndian.AppendUint32(b, uint32(now.Unix()+since1900))
}
