package main

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be superd and the few programs that stories put behind a port. Testscript copies it under
// these names into a folder of the PATH, which stories know as $BIN.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"superd":     main,
		"waitserver": waitserver,
	})
}

// TestScript tells the stories in testdata: each runs the real superd on real sockets. Their commands are in the table
// in script_test.go. `go test ./cmd/superd -run 'TestScript/^tcp_wait$' -v` tells one of them.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:       "testdata",
		Setup:     setup,
		Cmds:      commands,
		Condition: condition,

		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}
