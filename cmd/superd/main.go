// Command superd is the super-server. This package turns arguments into calls; the daemon is in superd/.
//
// Exit status: 0 fine, 1 a failure at run time, 2 a wrong flag or configuration, 3 status found something degraded
// or convert --strict has warned, 4 a reload would
// change something, 75 the daemon made way for another.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"superd/superd"
	"superd/superd/spawn"
)

// version is set by the release build: -ldflags "-X main.version=…".
var version = "0.1.0-dev"

const defaultConfig = "/etc/superd/superd.hcl"

// The process's first thread, whose name is the process's, must not fork. Main keeps it for itself, and only in init is it sure that
// main is on it: so nobody else ever is, and has to be moved off it for a fork.
func init() { runtime.LockOSThread() }

func main() {
	spawn.CleanSignals()
	spawn.CleanDescriptors()
	os.Exit(superdMain())
}

func superdMain() int {
	return exitStatus(rootCommand().Execute())
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "superd",
		Short:         "the super-server: many ports, one daemon, a program or builtin for each connection",
		SilenceErrors: true,
		SilenceUsage:  true,

		SuggestionsMinimumDistance: 2,

		Args: aKnownCommand,
		RunE: func(c *cobra.Command, _ []string) error {
			_ = c.Help()
			return errReported
		},
	}
	root.AddCommand(statusCommand(), topCommand(), explainCommand(), planCommand(), reloadCommand(),
		pauseCommand(), resumeCommand(), kickCommand(), bansCommand(), unbanCommand(), eventsCommand(), dumpCommand())
	root.AddCommand(runCommand(), checkCommand(), fmtCommand(), convertCommand(), versionCommand())
	root.SetFlagErrorFunc(wrongUsage)
	return root
}

// usageError is a mistake on the command line or in the configuration: exit status 2.
type usageError struct{ error }

// leftStatus is EX_TEMPFAIL of sysexits(3): start it again.
const leftStatus = 75

// errReported ends a command that has told the user already what is wrong.
var errReported = usageError{errors.New("invalid")}

func exitStatus(err error) int {
	var usage usageError
	var other exitError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return 2
	case errors.Is(err, superd.ErrLeft):
		return leftStatus
	case errors.As(err, &other):
		return int(other)
	}
	fmt.Fprintln(os.Stderr, "superd:", err)
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}
