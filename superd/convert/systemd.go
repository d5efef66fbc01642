package convert

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// systemd converts units: a socket with the service that it starts.
type systemd struct {
	*draft
	*reader
	done  map[string]bool // paths of sockets
	known map[fileID][]assignment
	vars  map[string][]string // of files of variables, by path; nil for what cannot be read
}

// path converts a .socket, the one that starts a .service, or all of a folder.
func (u *systemd) path(path string) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		u.fail(Place{File: path}, "Cannot read %s: %s.", path, because(err))
	case info.IsDir():
		u.folder(path)
	case filepath.Ext(path) == ".service":
		u.ofService(path)
	default:
		u.socket(path)
	}
}

func (u *systemd) folder(path string) {
	entries, err := os.ReadDir(path)
	if err != nil {
		u.fail(Place{File: path}, "Cannot read the folder: %s.", because(err))
		return
	}
	found := false
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".socket" && !strings.HasPrefix(e.Name(), ".") {
			found = true
			u.socket(filepath.Join(path, e.Name()))
		}
	}
	if !found {
		u.remark(Place{File: path}, "There is no .socket in this folder, and only those start services.")
	}
}

// ofService finds the socket of a service.
func (u *systemd) ofService(path string) {
	name := strings.TrimSuffix(filepath.Base(path), ".service")
	name, _, _ = strings.Cut(name, "@")
	for _, folder := range u.folders(filepath.Dir(path)) {
		socket := filepath.Join(folder, name+".socket")
		if _, err := os.Stat(socket); err == nil {
			u.socket(socket)
			return
		}
	}
	u.remark(Place{File: path}, "There is no %s.socket beside this service, so systemd does not start it for clients: it stays with systemd.", name)
}

// socket converts a socket and its service.
func (u *systemd) socket(path string) {
	if clean := filepath.Clean(path); u.done[clean] {
		return
	} else {
		u.done[clean] = true
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		u.fail(Place{File: path}, "Cannot read %s: %s.", path, errNotRegular)
		return
	}
	in := u.folders(filepath.Dir(path))
	base := filepath.Base(path)
	s := u.unit(base, in)
	if s == nil || len(s.lines) == 0 {
		u.remark(Place{File: path}, "There is nothing in this unit.")
		return
	}
	p := &pairing{systemd: u, socket: s, base: strings.TrimSuffix(base, filepath.Ext(base))}
	if a, ok := s.last("Socket", "Accept"); ok {
		p.accept, _ = yesNo(a.value)
	}
	name := p.base + ".service"
	if p.accept {
		name = p.base + "@.service"
	}
	if a, ok := s.last("Socket", "Service"); ok && !p.accept {
		name = a.value
	}
	if strings.ContainsRune(name, '/') {
		u.fail(s.lines[0].Place, "%q is no name of a unit.", name)
		return
	}
	if p.service = u.unit(name, in); p.service == nil {
		p.absent = name
	}
	p.convert()
}

// pairing is a socket and its service on their way into blocks.
type pairing struct {
	*systemd
	socket, service *unit
	absent          string // the service that is not there
	accept          bool
	base            string // the name without .socket
}

// listen is one address of a socket unit.
type listen struct {
	kind string // stream or dgram
	port string
	host string // "": everywhere
	from assignment
}

var errNoPort = errors.New("superd has sockets of TCP and UDP only")

// parseListen reads the value of ListenStream or ListenDatagram.
func parseListen(value string) (host, port string, err error) {
	value = strings.TrimPrefix(value, "*:")
	if isNumber(value) {
		return "", value, nil
	}
	i := strings.LastIndexByte(value, ':')
	if i < 0 || strings.HasPrefix(value, "/") || strings.HasPrefix(value, "@") || strings.HasPrefix(value, "vsock:") {
		return "", "", errNoPort
	}
	host, port = value[:i], value[i+1:]
	zone := ""
	if number, device, ok := strings.Cut(port, "%"); ok {
		port, zone = number, "%"+device
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]") + zone
	if !isNumber(port) {
		return "", "", errNoPort
	}
	return host, port, nil
}

// maxListens bounds the addresses of a unit, each of which can be a service.
const maxListens = 1000

// convert makes a block for each port: a program with wait = true gets one socket.
func (p *pairing) convert() {
	var groups []string
	ports := make(map[string][]listen)
	for _, kind := range []string{"Stream", "Datagram"} {
		all := p.socket.list("Socket", "Listen"+kind)
		if len(all) > maxListens {
			p.aside(all[maxListens], "At most %d addresses of a unit are converted.", maxListens)
			all = all[:maxListens]
		}
		for _, a := range all {
			l := listen{kind: map[string]string{"Stream": "stream", "Datagram": "dgram"}[kind], from: a}
			var err error
			if l.host, l.port, err = parseListen(a.value); err != nil {
				p.aside(a, "%s.", err)
				continue
			}
			key := l.kind + " " + l.port
			if !slices.Contains(groups, key) {
				groups = append(groups, key)
			}
			ports[key] = append(ports[key], l)
		}
	}
	for i, key := range groups {
		c := &unitConverter{pairing: p, first: i == 0}
		c.convert(ports[key])
	}
	if len(groups) > 1 && !p.accept {
		p.remark(p.socket.lines[0].Place, "systemd gives the program of this unit %d sockets at once. superd makes a service of each, with a program of its own.", len(groups))
	}
	if len(groups) == 0 {
		p.remark(Place{File: p.socket.path}, "Nothing of this unit listens on TCP or UDP, so there is no service.")
	}
}

// aside is a line of a unit that goes into no block.
func (p *pairing) aside(a assignment, format string, args ...any) {
	p.remark(a.Place, format, args...)
	p.head = append(p.head, row{comment: mark + excerpt(oneLine(p.socket.name+": "+a.text)), from: []origin{a.origin}})
}
