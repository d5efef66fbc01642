// Package event is the record of a connection, and of what the daemon does, and the sinks it is written to:
// stderr, file, syslog, journald.
//
// What can be logged stands in one table (table.go): every event with its level and keys, every key with its meaning.
// Nothing else can be written; an Event comes only from the functions of this package. The road of an event:
//
//	Start, Exit, Refuse, Ready, … ──► Event ──► Sink.Write   formats it (text, JSON, xinetd, syslog, journal fields)
//	                                                │        into the sink's pending batch; never waits
//	                                                ▼
//	                                         one goroutine per sink ──► output (file, stderr, datagram socket)
//
// A sink that cannot keep up, or whose disk is full, loses events, counts them, and says LOST when it can write again.
package event
