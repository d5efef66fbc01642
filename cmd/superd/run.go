package main

import (
	"os"

	"github.com/spf13/cobra"

	"superd/superd"
)

func runCommand() *cobra.Command {
	options := superd.Options{Stderr: os.Stderr}
	c := &cobra.Command{
		Use:   "run",
		Short: "run the daemon in the foreground",
		Long: `Run opens the sockets of every enabled service and serves them until SIGTERM or SIGINT.
SIGHUP reads the configuration again: all of it is taken over, or none.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
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
	return c
}
