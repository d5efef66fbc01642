package event

import "slices"

// Description is a row of the table of events.
type Description struct {
	Name  string // "BIND-FAILED"
	Level Level
	Doc   string
	Keys  []Key // in the order in which they are written; each is there only when it has something to say
}

// Key is the name of a value, with the same meaning in every event and every format.
// The journal's field is SUPERD_ and the name in upper case.
type Key struct{ Name, Doc string }

// Table describes every event that superd writes.
func Table() []Description {
	table := make([]Description, 0, len(kinds)-1)
	for _, k := range kinds[1:] {
		d := Description{Name: k.name, Level: k.level, Doc: k.doc}
		for _, key := range k.keys {
			d.Keys = append(d.Keys, keys[key])
		}
		table = append(table, d)
	}
	return table
}

// Keys describes every key.
func Keys() []Key { return slices.Clone(keys[:]) }

type kind uint8

const (
	kindNone kind = iota
	kindStart
	kindExit
	kindRefuse
	kindUserID
	kindReady
	kindReload
	kindReloadFailed
	kindPlan
	kindConfigError
	kindConfigWarning
	kindBindFailed
	kindBound
	kindRegistered
	kindRegisterFailed
	kindWithdrawn
	kindPause
	kindResume
	kindBackoff
	kindExhausted
	kindRecovered
	kindControl
	kindDump
	kindBan
	kindUnban
	kindStopping
	kindStopped
	kindWarning
	kindLost
	kindLogFailed
	kindLogRecovered
	kindLogLarge
)

type row struct {
	name  string
	level Level
	doc   string
	keys  []key
}

var kinds = [...]row{
	kindNone: {},
	kindStart: {"START", Info, "A connection was admitted, and its program or builtin started.",
		[]key{keyService, keyConn, keyPid, keyFrom, keyPort, keyTo, keyToPort, keyContext}},
	kindExit: {"EXIT", Info, "A connection has ended.",
		[]key{keyService, keyConn, keyPid, keyStatus, keySignal, keyFrom, keyPort, keyTo, keyToPort, keyVerdict, keyDuration, keyIn, keyOut, keyUser, keySystem, keyMaxRSS}},
	kindRefuse: {"REFUSE", Notice, "A connection was not admitted, or its program could not be started.",
		[]key{keyService, keyConn, keyVerdict, keyDetail, keyFrom, keyPort, keyTo, keyToPort}},
	kindUserID: {"USERID", Info, "The peer's ident server has said whose connection it is (RFC 1413). Anybody can run one that says anything.",
		[]key{keyService, keyConn, keyUserID}},
	kindReady: {"READY", Info, "The daemon serves.",
		[]key{keyServices, keySockets}},
	kindReload: {"RELOAD", Info, "A new configuration is in force.",
		[]key{keyOpened, keyKept, keyRetuned, keyRetired}},
	kindReloadFailed: {"RELOAD-FAILED", Error, "A new configuration could not be put in force. The old one goes on, unchanged.",
		[]key{keyError}},
	kindPlan: {"PLAN", Info, "Files of the configuration have changed; this is what a reload would do.",
		[]key{keyChanges}},
	kindConfigError: {"CONFIG-ERROR", Error, "An error in a file of the configuration, which is therefore not used. The lines below show where.",
		[]key{keyAt, keySummary, keyText}},
	kindConfigWarning: {"CONFIG-WARNING", Warning, "A doubtful place in a file of the configuration, which is used all the same.",
		[]key{keyAt, keySummary, keyText}},
	kindBindFailed: {"BIND-FAILED", Error, "A socket could not be opened. It is tried again after retry.",
		[]key{keyService, keyEndpoint, keyError, keyRetry}},
	kindBound: {"BOUND", Notice, "A socket that could not be opened before is open now.",
		[]key{keyService, keyEndpoint}},
	kindRegistered: {"REGISTERED", Info, "rpcbind knows where to find a service of type RPC.",
		[]key{keyService, keyEndpoint}},
	kindRegisterFailed: {"REGISTER-FAILED", Error, "rpcbind is not there, or has another address for a service of type RPC. It is tried again.",
		[]key{keyService, keyEndpoint, keyError, keyRetry}},
	kindWithdrawn: {"WITHDRAWN", Info, "rpcbind has been told that a service of type RPC is gone.",
		[]key{keyService, keyEndpoint}},
	kindPause: {"PAUSE", Warning, "A service stops accepting for a while.",
		[]key{keyService, keyReason, keyRetry}},
	kindResume: {"RESUME", Notice, "A service that paused accepts again.",
		[]key{keyService}},
	kindBackoff: {"BACKOFF", Warning, "The program of a wait service has left its input behind. It is started again after retry.",
		[]key{keyService, keyReason, keyRetry}},
	kindExhausted: {"EXHAUSTED", Error, "Descriptors, processes or memory have run out. Accepting waits, and goes on by itself.",
		[]key{keyService, keyError}},
	kindRecovered: {"RECOVERED", Notice, "What had run out is there again.",
		[]key{keyService}},
	kindControl: {"CONTROL", Notice, "Somebody has had the daemon do something, through its control socket.",
		[]key{keyService, keyAction, keyUID, keyBy}},
	kindDump: {"DUMP", Notice, "The state of the daemon was written to a file, as SIGUSR1 asks for.",
		[]key{keyFile, keyError}},
	kindBan: {"BAN", Warning, "A sensor has caught a client, whose source is kept out of all services but sensors until it has gone by retry; without retry, for ever.",
		[]key{keyService, keySource, keyRetry, keyHits}},
	kindUnban: {"UNBAN", Notice, "An operator has lifted bans.",
		[]key{keySource, keyBans}},
	kindStopping: {"STOPPING", Info, "The daemon accepts nothing more and ends its connections.",
		[]key{keyReason, keyConnections}},
	kindStopped: {"STOPPED", Info, "The daemon ends.",
		nil},
	kindWarning: {"WARNING", Warning, "Something an administrator should know.",
		[]key{keyService, keyReason}},
	kindLost: {"LOST", Warning, "Events that should stand here were lost, since the log was too slow, full or gone.",
		[]key{keyCount}},
	kindLogFailed: {"LOG-FAILED", Error, "A log cannot be written. Each further event tries again.",
		[]key{keyLog, keyError}},
	kindLogRecovered: {"LOG-RECOVERED", Notice, "A log can be written again.",
		[]key{keyLog, keyCount}},
	kindLogLarge: {"LOG-LARGE", Warning, "A log file has grown beyond its soft limit.",
		[]key{keyLog, keySize, keyLimit}},
}

type key uint8

const (
	keyService key = iota
	keyConn
	keyPid
	keyStatus
	keySignal
	keyVerdict
	keyDetail
	keyFrom
	keyPort
	keyTo
	keyToPort
	keyContext
	keyUserID
	keyDuration
	keyIn
	keyOut
	keyUser
	keySystem
	keyMaxRSS
	keyServices
	keySockets
	keyOpened
	keyKept
	keyRetuned
	keyRetired
	keyChanges
	keyAt
	keySummary
	keyEndpoint
	keyAction
	keyUID
	keyBy
	keyFile
	keyReason
	keyRetry
	keyConnections
	keyCount
	keyLog
	keySize
	keyLimit
	keySource
	keyHits
	keyBans
	keyError
	keyText
)

var keys = [...]Key{
	keyService:     {"service", "the service's id"},
	keyConn:        {"conn", "the connection's number since the daemon began; the same in START, USERID, EXIT and REFUSE"},
	keyPid:         {"pid", "process id of the program (log flag PID)"},
	keyStatus:      {"status", "exit status (log flag EXIT)"},
	keySignal:      {"signal", "number of the signal that killed the program (log flag EXIT)"},
	keyVerdict:     {"verdict", "ok, or why the connection was refused"},
	keyDetail:      {"detail", "more about the verdict"},
	keyFrom:        {"from", "the peer's address, or what log_redact leaves of it (log flag HOST)"},
	keyPort:        {"port", "the peer's port, unless log_redact takes it away (log flag HOST)"},
	keyTo:          {"to", "the address that the peer reached (log flag HOST)"},
	keyToPort:      {"to_port", "the port that the peer reached (log flag HOST)"},
	keyContext:     {"context", "the program's SELinux context, with the range of its client (flag LABELED)"},
	keyUserID:      {"userid", "what the ident server answered, from the operating system on (log flag USERID)"},
	keyDuration:    {"duration", "seconds from START to EXIT (log flag DURATION)"},
	keyIn:          {"in", "bytes that the peer sent; of the connection of a program, the peer's end of file may count as one more (log flag TRAFFIC)"},
	keyOut:         {"out", "bytes that were sent to the peer and, of a program's connection, acknowledged by it (log flag TRAFFIC)"},
	keyUser:        {"user", "seconds of processor time the program used itself (log flag DURATION)"},
	keySystem:      {"system", "seconds of processor time the kernel used for the program (log flag DURATION)"},
	keyMaxRSS:      {"max_rss", "the most memory the program had resident, in bytes; Linux counts from the fork, so it is never less than superd itself had (log flag EXIT)"},
	keyServices:    {"services", "how many services run"},
	keySockets:     {"sockets", "how many sockets are open for them"},
	keyOpened:      {"opened", "how many services are new"},
	keyKept:        {"kept", "how many services stay as they were"},
	keyRetuned:     {"retuned", "how many services have changed"},
	keyRetired:     {"retired", "how many services are gone"},
	keyChanges:     {"changes", "what is opened, retuned and retired"},
	keyAt:          {"at", "FILE:LINE,COLUMN-COLUMN"},
	keySummary:     {"summary", "what is wrong, in short"},
	keyEndpoint:    {"endpoint", "the address that the service listens on"},
	keyAction:      {"action", "what was asked for"},
	keyUID:         {"uid", "number of the user who asked"},
	keyBy:          {"by", "process id of who asked"},
	keyFile:        {"file", "path of a file"},
	keyReason:      {"reason", "why, in words"},
	keyRetry:       {"retry", "seconds until it is tried again"},
	keyConnections: {"connections", "how many connections are still open"},
	keyCount:       {"count", "how many events were lost"},
	keyLog:         {"log", "the log in question, as log_type has it"},
	keySize:        {"size", "in bytes"},
	keyLimit:       {"limit", "in bytes"},
	keySource:      {"source", "the addresses that are banned, or whose bans were lifted; \"all\" of them"},
	keyHits:        {"hits", "how often sensors have caught the source"},
	keyBans:        {"bans", "how many bans were lifted"},
	keyError:       {"error", "the system's or superd's message"},
	keyText:        {"text", "lines that follow the event, indented; in the journal they are part of MESSAGE"},
}
