package main

import (
	"context"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func dumpCommand() *cobra.Command {
	var t target
	c := &cobra.Command{
		Use:   "dump",
		Short: "print everything about the running daemon, for a bug report",
		Long: `Dump prints, as JSON, the state of the daemon with its services, connections, attributes, last events and goroutines.
It has addresses of clients and paths in it; the values of environment variables are left out.
SIGUSR1 has the daemon write the same to a file.`,
		Args: noArguments,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, _ []string) error {
			text, err := d.Dump(ctx)
			if err == nil {
				_, err = c.OutOrStdout().Write(text)
			}
			return err
		}),
	}
	t.flags(c)
	return c
}
