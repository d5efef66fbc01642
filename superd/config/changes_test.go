package config

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"
)

// TestChangesSeeEverything changes each field of a Service, one at a time: none may go unnoticed.
func TestChangesSeeEverything(t *testing.T) {
	fresh := func() *Service {
		s := plain(true)
		s.Program.Rlimits = []Rlimit{{"cpu", 1}}
		s.Program.Credential.Groups = []uint32{1}
		s.Access = Access{OnlyFrom: []Rule{{Name: "a"}}, NoAccess: []Rule{{Name: "b"}}, Times: []Window{{Days: 1}}}
		s.Socket.Peers = &Access{Restricted: true}
		s.RPC = &RPC{Program: 1, Low: 1, High: 2}
		s.Sensor = &Sensor{DenyTime: 1}
		s.Redirect = &Redirect{Host: "a", Port: 1}
		s.Banner, s.BannerSuccess, s.BannerFail = []byte("a"), []byte("b"), []byte("c")
		return s
	}
	if !fresh().Equal(fresh()) || len(Changes(fresh(), fresh())) > 0 {
		t.Fatal("equal services differ")
	}
	moved := fresh()
	moved.At = "elsewhere"
	if !fresh().Equal(moved) || len(Changes(fresh(), moved)) > 0 {
		t.Error("the place in the file is a change")
	}
	n := 0
	leaves(reflect.ValueOf(fresh()).Elem(), "Service", func(path string) {
		if path == "Service.At" {
			return
		}
		s := fresh()
		leaves(reflect.ValueOf(s).Elem(), "Service", nil, path)
		n++
		if s.Equal(fresh()) {
			t.Errorf("%s: a change goes unnoticed", path)
		}
		names := Changes(fresh(), s)
		if len(names) == 0 {
			t.Errorf("%s: the change has no name", path)
		}
		for _, name := range names {
			if _, ok := Lookup(name); !ok && name != "name" {
				t.Errorf("%s: %q is no attribute", path, name)
			}
		}
	})
	if n < 50 {
		t.Errorf("only %d fields", n)
	}
}

// leaves visits each field that holds no others, or changes the one named.
func leaves(v reflect.Value, path string, visit func(string), change ...string) {
	switch {
	case v.Type() == reflect.TypeFor[netip.AddrPort]() || v.Type() == reflect.TypeFor[netip.Prefix]():
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+v.Type().Field(i).Name, visit, change...)
		}
		return
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Array:
		for i := range v.Len() {
			leaves(v.Index(i), path+"[]", visit, change...)
		}
		return
	case v.Kind() == reflect.Pointer:
		leaves(v.Elem(), path, visit, change...)
		return
	}
	if visit != nil {
		visit(path)
		return
	}
	if !slices.Contains(change, path) {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.String:
		v.SetString(v.String() + "x")
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(v.Uint() + 1)
	default:
		if v.Type() == reflect.TypeFor[netip.AddrPort]() {
			v.Set(reflect.ValueOf(netip.MustParseAddrPort("127.0.0.9:9")))
		} else {
			v.Set(reflect.ValueOf(netip.MustParsePrefix("127.0.0.9/32")))
		}
	}
}

func TestChangesAreNamed(t *testing.T) {
	from := plain(true)
	for want, change := range map[string]func(*Service){
		"port":      func(s *Service) { s.Endpoints = []Endpoint{{Addr: netip.MustParseAddrPort("[::]:8")}} },
		"bind":      func(s *Service) { s.Endpoints = []Endpoint{{Addr: netip.MustParseAddrPort("[::1]:7")}} },
		"v6only":    func(s *Service) { s.Endpoints = []Endpoint{{Addr: netip.MustParseAddrPort("[::]:7"), V6Only: true}} },
		"group":     func(s *Service) { s.Program.Credential = &Credential{Gid: 5} },
		"rlimit_as": func(s *Service) { s.Program.Rlimits = []Rlimit{{"as", 5}} },
		"cps":       func(s *Service) { s.Limits.CPS.Rate = 5 },
	} {
		to := plain(true)
		change(to)
		if got := Changes(from, to); !slices.Equal(got, []string{want}) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
