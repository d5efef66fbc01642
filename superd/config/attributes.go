package config

import "strings"

// Where says in which places an attribute may stand.
type Where uint8

// The places, which may be combined.
const (
	InFile     Where = 1 << iota // the top level of a file
	InDefaults                   // defaults { }
	InService                    // service "NAME" { }
	InDaemon                     // superd { }
)

// String names the places: "defaults and service".
func (w Where) String() string {
	var names []string
	for i, name := range []string{"the top level", "defaults", "service", "superd"} {
		if w&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
	return strings.Join(names, "")
}

// Attribute is a row of the attribute table: all there is to know about a word that stands before an equals sign.
// Decoding, diagnostics, superd.hcl(5), completion and the converter read it.
type Attribute struct {
	Name string
	Kind
	Where   Where
	Default string // as HCL; "" where there is none, or where Doc says what it comes from
	Doc     string // one line, a sentence without its full stop
	Xinetd  string // how it differs from xinetd's attribute of that name, written as Doc is; never empty
	Example string // as HCL, a value other than the default
}

func (a *Attribute) isList() bool { return strings.Contains(a.Type, listType) }

// Lookup finds an attribute by its name.
func Lookup(name string) (*Attribute, bool) {
	a, ok := byName[name]
	return a, ok
}

var byName = func() map[string]*Attribute {
	m := make(map[string]*Attribute, len(Attributes))
	for i := range Attributes {
		m[Attributes[i].Name] = &Attributes[i]
	}
	return m
}()

// legal are the names of the attributes that may stand in the given place.
func legal(in Where) []string {
	var names []string
	for i := range Attributes {
		if Attributes[i].Where&in != 0 {
			names = append(names, Attributes[i].Name)
		}
	}
	return names
}

// unavailable are attributes of xinetd.conf(5) that superd has under another name, not yet, or not at all.
var unavailable = map[string]string{
	"mdns":       "superd does not announce services. Use avahi-daemon with a .service file in /etc/avahi/services.",
	"interface":  `superd's word for it is "bind": write bind = "ADDRESS", or bind = "eth0".`,
	"includedir": `Write include = ["DIR/*.hcl"].`,
}

var (
	laterTypes = map[string]string{
		"SPECIAL": "it says nothing; leave it out.",
	}
	laterSockets = map[string]string{
		"RAW":       "superd serves TCP and UDP. A program that wants raw sockets opens them itself, which needs CAP_NET_RAW, and runs as a daemon of its own.",
		"SEQPACKET": "superd serves TCP and UDP, which have stream and dgram.",
		"RDM":       "superd serves TCP and UDP, which have stream and dgram.",
	}
	laterProtocols = map[string]string{
		"TCP4": `write protocol = "tcp" and flags = ["IPv4"].`,
		"TCP6": `write protocol = "tcp" and flags = ["IPv6"].`,
		"UDP4": `write protocol = "udp" and flags = ["IPv4"].`,
		"UDP6": `write protocol = "udp" and flags = ["IPv6"].`,
		"SCTP": "superd serves TCP and UDP.",
	}
	laterLog = map[string]string{"RECORD": "xinetd dropped it long ago; leave it out."}
)
