package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func eventsCommand() *cobra.Command {
	var t target
	var f control.Filter
	var json bool
	c := &cobra.Command{
		Use:   "events",
		Short: "print the last events of the running daemon, and with -f those to come",
		Long: `Events prints the last events of the daemon and its connections, as superd-events(7) describes them, those too that
log_on_success and log_on_failure keep out of the log. A reader that is too slow finds a LOST in place of what it missed.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, end := asking(f.Follow)
			defer end()
			d, err := t.dial(ctx, c)
			if err != nil {
				return err
			}
			f.Text = !json
			err = d.Events(ctx, f, func(line string) error {
				_, err := fmt.Fprintln(c.OutOrStdout(), line)
				return err
			})
			if f.Follow && errors.Is(err, context.Canceled) {
				return nil // Ctrl-C is how it ends
			}
			return err
		},
	}
	t.flags(c)
	c.Flags().BoolVarP(&f.Follow, "follow", "f", false, "go on with the events to come, until Ctrl-C")
	c.Flags().StringSliceVar(&f.Services, "service", nil, "only events of this service, by its `ID`; may be given several times")
	c.Flags().StringSliceVar(&f.Verdicts, "verdict", nil, "only refusals with this `VERDICT`; may be given several times")
	c.Flags().BoolVar(&json, "json", false, "print each event as a line of JSON")
	_ = c.RegisterFlagCompletionFunc("service", t.serviceNames) // fails only for a flag that does not exist
	return c
}
