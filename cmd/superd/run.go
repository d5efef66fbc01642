package main

import (
	"errors"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"superd/superd"
	"superd/superd/control"
)

func runCommand() *cobra.Command {
	options := superd.Options{Stderr: os.Stderr, Version: version}
	var folder string
	var daemon bool
	readyFD := -1
	c := &cobra.Command{
		Use:   "run",
		Short: "run the daemon in the foreground",
		Long: `Run opens the sockets of every enabled service and serves them until SIGTERM or SIGINT.
SIGHUP reads the configuration again: all of it is taken over, or none. SIGQUIT ends the daemon alone; its programs run on.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			if daemon {
				return background()
			}
			if options.Ready, err = readiness(readyFD, options.Background); err != nil {
				return err
			}
			if options.Background {
				paths := []*string{&options.Config, &options.PidFile}
				if options.Control != control.None {
					paths = append(paths, &options.Control)
				}
				if err := leaveFolder(paths...); err != nil {
					return err
				}
			}
			// A daemon that crashes dies by SIGABRT: Go's own exit status for that is 2, which is a wrong configuration's.
			debug.SetTraceback("crash")
			end, err := profile(folder)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, end()) }()
			diags, err := superd.Run(options)
			if diags != nil {
				_ = diags.Write(os.Stderr)
				if diags.HasErrors() {
					return errReported
				}
			}
			return err
		},
	}
	configFlag(c, &options.Config)
	c.Flags().IntVar(&options.PortOffset, "port-offset", 0, "add `N` to every port, to try a configuration as an ordinary user")
	c.Flags().BoolVar(&options.Strict, "strict", false, "exit 1 if a socket cannot be opened at start")
	c.Flags().StringVar(&options.PidFile, "pid-file", "", "write the process id into `FILE`, and lock it, while the daemon runs")
	c.Flags().BoolVar(&daemon, "daemon", false, "go into the background; return when the daemon serves, or has failed")
	c.Flags().IntVar(&readyFD, "ready-fd", -1, "write a line into descriptor `N` when the daemon serves, as s6 wants it")
	c.Flags().BoolVar(&options.Background, "background", false, "be what --daemon has started")
	_ = c.Flags().MarkHidden("background")
	c.Flags().StringVar(&options.Control, "control", "", "the control socket's `PATH`, or none, instead of what the configuration says")
	c.Flags().StringVar(&folder, "profile", "", "write cpu.pprof, and at SIGUSR2 heap.pprof, to the folder `DIR`")
	_ = c.Flags().MarkHidden("profile") // for superd's developers
	return c
}
