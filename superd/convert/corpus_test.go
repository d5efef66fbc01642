package convert

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"superd/superd/config"
)

// corpus is where real configurations lie beside the tree; it is no part of it.
const corpus = "../../../shared/corpus"

// listing is what a service is, as a reader who knows no more than the manual page would put it down.
type listing struct{ name, port, protocol, wait, user, program, args string }

func (l listing) String() string {
	return fmt.Sprintf("%s port %q %s wait=%s user %q: %s %q", l.name, l.port, l.protocol, l.wait, l.user, l.program, l.args)
}

// exempt are services of the corpus that neither superd nor the daemon they were written for can run, by file and name.
var exempt = map[string]string{
	"golems__ach__data_inetd.conf /tmp/ach-socket":                  "a unix socket",
	"debian_xinetd__usr_share_doc_xinetd_examples_empty.conf empty": "all its attributes are empty",
	"josuah__conf__inetd_vger.conf 1965":                            "tcp6 on an IPv4 address, beside its twin on tcp4",
}

// TestCorpus: each real file converts; superd check --portable takes the result; and every active service of the source, as read by the
// simple readers below, is there with the same port, protocol, wait, user, program and arguments.
func TestCorpus(t *testing.T) {
	for kind, read := range map[string]func(text string) []listing{"xinetd": readXinetd, "inetd": readInetd} {
		files, _ := filepath.Glob(filepath.Join(corpus, kind, "*"))
		if len(files) == 0 {
			t.Skipf("the corpus of real configurations is not there: %s", corpus)
		}
		services := 0
		for _, file := range files {
			t.Run(kind+"/"+filepath.Base(file), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				want := read(string(text))
				file := alone(t, file, string(text))
				services += len(want)
				var loaded []*config.Config
				for _, o := range []Options{{Portable: true}, {Portable: true, Apart: true}, {Portable: true, Apart: true, Into: true}} {
					result, err := Convert([]string{file}, o)
					if err != nil {
						t.Fatal(err)
					}
					if result.Failed() {
						t.Errorf("%v", result.Remarks)
					}
					loaded = append(loaded, passes(t, result))
					var all strings.Builder
					for _, f := range result.Files {
						all.Write(f.Text)
					}
					compare(t, filepath.Base(file), want, readHCL(all.String()))
				}
				sameServices(t, loaded[0], loaded[1])
				sameServices(t, loaded[0], loaded[2])
			})
		}
		if services < 60 {
			t.Errorf("%s: the reader found %d services; it has lost its way", kind, services)
		}
	}
}

// sameServices: in one file, in one for each service, and below the defaults of another superd.hcl, services are the same.
func sameServices(t *testing.T, a, b *config.Config) {
	t.Helper()
	if a == nil || b == nil {
		return
	}
	byID := make(map[string]*config.Service)
	for _, s := range b.Services {
		byID[s.ID] = s
	}
	for _, s := range a.Services {
		if other := byID[s.ID]; other == nil || !s.Equal(other) {
			t.Errorf("%s differs: %+v\n%+v", s.ID, s, other)
		}
	}
	if len(a.Services) != len(b.Services) {
		t.Errorf("%d services, and %d", len(a.Services), len(b.Services))
	}
}

// alone is the file by itself: what it would include from this machine is an empty folder instead.
func alone(t *testing.T, file, text string) string {
	t.Helper()
	include := regexp.MustCompile(`(?m)^includedir .*$`)
	if !include.MatchString(text) {
		return file
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "xinetd.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(file))
	text = include.ReplaceAllLiteralString(text, "includedir "+dir+"/xinetd.d")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func compare(t *testing.T, file string, want, have []listing) {
	t.Helper()
	for _, w := range want {
		i := slices.IndexFunc(have, func(h listing) bool { return same(w, h) })
		if i >= 0 {
			have = slices.Delete(have, i, i+1)
			continue
		}
		if _, ok := exempt[file+" "+w.name]; !ok {
			t.Errorf("missing: %s\nthere are: %v", w, have)
		}
	}
	for _, h := range have {
		t.Errorf("a service that the source does not have on: %s", h)
	}
}

// same compares; a program without a path must be found by its name, wherever it is put.
func same(w, h listing) bool {
	if !strings.HasPrefix(w.program, "/") && path.Base(h.program) == w.program {
		h.program = w.program
	}
	return w == h
}

// readXinetd knows blocks of lines "name = values", and that the first of two settings counts.
func readXinetd(text string) []listing {
	var all []listing
	var name string
	var attrs map[string]string
	var disabled []string // in defaults
	for l := range strings.Lines(text) {
		words := strings.Fields(l)
		switch {
		case len(words) == 0 || words[0][0] == '#':
		case words[0] == "service":
			name, attrs = words[1], map[string]string{}
		case words[0] == "defaults":
			name, attrs = "", map[string]string{}
		case words[0] == "}" && attrs != nil:
			if name == "" {
				disabled = strings.Fields(attrs["disabled"])
			} else if attrs["disable"] != "yes" && !slices.Contains(disabled, name) {
				all = append(all, xinetdListing(name, attrs))
			}
			attrs = nil
		case attrs != nil && len(words) > 2 && words[1] == "=":
			if _, twice := attrs[words[0]]; !twice {
				attrs[words[0]] = strings.Join(words[2:], " ")
			}
		}
	}
	return all
}

func xinetdListing(name string, attrs map[string]string) listing {
	l := listing{
		name: name, port: attrs["port"], protocol: attrs["protocol"], wait: attrs["wait"],
		user: attrs["user"], program: attrs["server"], args: attrs["server_args"],
	}
	if l.protocol == "" {
		l.protocol = map[string]string{"stream": "tcp", "dgram": "udp"}[attrs["socket_type"]]
	}
	return l
}

var (
	quoteWords  = regexp.MustCompile(`"[^"]*"|\S+`)
	waitLimits  = regexp.MustCompile(`[.:/].*`)
	ownProtocol = strings.NewReplacer("4", "", "6", "")
)

// readInetd knows lines of six fields and arguments, of which the first is the program's own name.
func readInetd(text string) []listing {
	var all []listing
	for l := range strings.Lines(text) {
		words := quoteWords.FindAllString(l, -1)
		if len(words) < 6 || words[0][0] == '#' || words[0] == "%%" {
			continue
		}
		name := words[0][strings.LastIndex(words[0], ":")+1:]
		e := listing{name: name, protocol: ownProtocol.Replace(words[2]), wait: "no", user: words[4], program: words[5]}
		if waitLimits.ReplaceAllString(words[3], "") == "wait" {
			e.wait = "yes"
		}
		if strings.Trim(name, "0123456789") == "" {
			e.port = name
		}
		argv := words[6:]
		for i := range argv {
			argv[i] = strings.Trim(argv[i], `"`)
		}
		switch {
		case e.program == "internal":
			e.program, e.user = "", ""
			if e.protocol == "udp" {
				e.wait = "yes"
			}
			argv = nil
		case path.Base(e.program) == "tcpd" && has("libwrap"): // tcpd takes the name of the program from its own name
			e.program = argv[0]
		}
		if len(argv) > 1 {
			e.args = strings.Join(argv[1:], " ")
		}
		all = append(all, e)
	}
	return all
}

var (
	hclService = regexp.MustCompile(`^service "(.*)" \{$`)
	hclLine    = regexp.MustCompile(`^  (\w+) += (.*)$`)
	hclString  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	hclEscapes = strings.NewReplacer(`\"`, `"`, `\\`, `\`, `$${`, `${`, `%%{`, `%{`)
)

// readHCL knows the layout that superd fmt makes.
func readHCL(text string) []listing {
	var all []listing
	var name string
	var attrs map[string]string
	var disabled []string
	for l := range strings.Lines(text) {
		l = strings.TrimRight(l, "\n")
		if m := hclService.FindStringSubmatch(l); m != nil {
			name, attrs = m[1], map[string]string{}
		} else if l == "defaults {" {
			name, attrs = "", map[string]string{}
		} else if m := hclLine.FindStringSubmatch(l); m != nil {
			attrs[m[1]] = m[2]
		} else if l == "}" && name == "" {
			disabled = hclStrings(attrs["disabled"])
		} else if l == "}" && attrs["disable"] != "true" && !slices.Contains(disabled, name) {
			all = append(all, hclListing(name, attrs))
		}
	}
	return all
}

func hclListing(name string, attrs map[string]string) listing {
	args := hclStrings(attrs["server_args"])
	if strings.Contains(attrs["flags"], "NAMEINARGS") {
		args = args[1:]
	}
	l := listing{
		name: name, port: strings.Trim(attrs["port"], `"`), protocol: strings.Trim(attrs["protocol"], `"`),
		wait: map[string]string{"true": "yes", "false": "no"}[attrs["wait"]], user: strings.Trim(attrs["user"], `"`),
		program: strings.Trim(attrs["server"], `"`), args: strings.Join(args, " "),
	}
	if l.protocol == "" {
		l.protocol = map[string]string{`"stream"`: "tcp", `"dgram"`: "udp"}[attrs["socket_type"]]
	}
	return l
}

func hclStrings(value string) []string {
	var words []string
	for _, m := range hclString.FindAllStringSubmatch(value, -1) {
		words = append(words, hclEscapes.Replace(m[1]))
	}
	return words
}
