package main

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"superd/superd"
)

func runCommand() *cobra.Command {
	options := superd.Options{Stderr: os.Stderr}
	var folder string
	c := &cobra.Command{
		Use:   "run",
		Short: "run the daemon in the foreground",
		Long: `Run opens the sockets of every enabled service and serves them until SIGTERM or SIGINT.
SIGHUP reads the configuration again: all of it is taken over, or none.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) (err error) {
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
	c.Flags().StringVar(&folder, "profile", "", "write cpu.pprof, and at SIGUSR2 heap.pprof, to the folder `DIR`")
	_ = c.Flags().MarkHidden("profile") // for superd's developers
	return c
}
