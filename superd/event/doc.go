// Package event is the record of a connection and the sinks it is written to: stderr, file, syslog, journald.
package event
