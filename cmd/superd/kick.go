package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func kickCommand() *cobra.Command {
	var t target
	var source string
	c := &cobra.Command{
		Use:   "kick CONNECTION | kick SERVICE --source CIDR",
		Short: "end a connection, or those of a service that come from somewhere",
		Long: `Kick ends a connection by its number, which the log and superd status -v show, or all connections of a service that come from
an address or a range. A program gets TERM, and KILL after the service's grace. It keeps nobody from coming again.`,
		Args:              oneArgument,
		ValidArgsFunction: t.oneServiceName,
		RunE: func(c *cobra.Command, args []string) error {
			k, err := kickOf(c, args[0], source)
			if err != nil {
				return err
			}
			return t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, _ []string) error {
				done, err := d.Kick(ctx, k)
				if err == nil {
					_, err = fmt.Fprintln(c.OutOrStdout(), printable(done.Text))
				}
				return err
			})(c, args)
		},
	}
	t.flags(c)
	c.Flags().StringVar(&source, "source", "", "end all connections of the service from this address or range, `CIDR`")
	return c
}

func kickOf(c *cobra.Command, what, source string) (control.Kick, error) {
	if source != "" {
		from, err := control.ParseSource(source)
		if err != nil {
			return control.Kick{}, wrongUsage(c, err)
		}
		return control.Kick{Service: what, Source: from}, nil
	}
	n, err := strconv.ParseUint(what, 10, 64)
	if err != nil || n == 0 {
		return control.Kick{}, wrongUsage(c, fmt.Errorf("%q is no connection's number; for a service say --source as well", what))
	}
	return control.Kick{Connection: n}, nil
}
