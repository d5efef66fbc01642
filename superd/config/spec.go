package config

import (
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// spec is what the author wrote in one block. The embedded Service holds what needs no further resolving.
// A service's spec starts as a copy of that of `defaults`, which starts as a copy of the table's own defaults,
// so setters replace slices and never append to them.
type spec struct {
	*Service

	src       *source
	block     *hclsyntax.Block     // nil for the table's defaults, and for a service that is known
	attrs     hclsyntax.Attributes // of the block
	inherited *spec                // the spec this one started from
	misspelt  []string             // attributes that unknown ones were probably meant to be
	broken    map[string]struct{}  // attributes whose value was refused: no further complaints about them

	noted              bool // something was said about it
	disable            bool
	internal, unlisted bool
	muxBoth            bool // TCPMUX and TCPMUXPLUS
	isRPC              bool
	intercept          bool
	rpc                RPC
	socketType         string // "stream", "dgram" or ""
	protocol           string // "tcp", "udp" or ""
	port               string
	bind               []place
	v6only             bool
	ipv4, ipv6         bool // flags
	nameInArgs         bool
	noLibwrap          bool
	sensor             bool
	denyTime           time.Duration
	user, group        string
	groups             bool
	server             string
	serverArgs         []string
	passenv            []string
	env                []string
	rlimits            [len(rlimitNames)]*uint64
	redirect           target
	connectTimeout     time.Duration
	maxIdle            time.Duration
	logFormat          LogFormat
	logRedact          Redaction
	banner             [3]string // paths: banner, banner_success, banner_fail

	enabled, disabled []word // defaults
	watch             bool   // superd
	hostsAccess       string // superd
	state             string // superd
	drain             time.Duration
	control           Control
	controlGroup      string
	include           []word // top level
}

// word is a piece of text and where it stands.
type word struct {
	text string
	at   hcl.Range
}

var rlimitNames = [...]string{"as", "cpu", "data", "files", "rss", "stack", "core", "fsize", "nproc"}

// has reports whether the attribute was written, here or in defaults.
func (s *spec) has(name string) bool {
	for ; s != nil; s = s.inherited {
		if _, ok := s.attrs[name]; ok {
			return true
		}
	}
	return false
}

// ok reports whether the attribute, if written, has a value that makes sense.
func (s *spec) ok(name string) bool {
	for ; s != nil; s = s.inherited {
		if _, ok := s.attrs[name]; ok {
			_, broken := s.broken[name]
			return !broken
		}
	}
	return true
}

// lacks reports whether the attribute is missing, and not just misspelt, which has been complained about.
func (s *spec) lacks(name string) bool {
	return !s.has(name) && !slices.Contains(s.misspelt, name)
}

// at is where the first of the named attributes stands that was written, or else the block's header.
func (s *spec) at(names ...string) hcl.Range {
	for _, name := range names {
		for t := s; t != nil; t = t.inherited {
			if a, ok := t.attrs[name]; ok {
				return a.Expr.Range()
			}
		}
	}
	return s.header()
}

func (s *spec) header() hcl.Range {
	if s.block == nil { // known from an earlier load
		return hcl.Range{Filename: s.src.name}
	}
	if len(s.block.LabelRanges) > 0 {
		return s.block.LabelRanges[0]
	}
	return s.block.TypeRange
}

// refuse notes that an attribute's value was refused.
func (s *spec) refuse(name string) {
	if s.broken == nil {
		s.broken = make(map[string]struct{})
	}
	s.broken[name] = struct{}{}
}
