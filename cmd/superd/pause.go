package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func pauseCommand() *cobra.Command {
	return serviceCommand("pause", "have a service accept nobody until superd resume",
		`Pause has a service of the running daemon accept nobody. New clients wait in the kernel's queue; connections that run go on.
It lasts until superd resume, a reload does not end it, and a restart of the daemon does.`, (*control.Client).Pause)
}

func resumeCommand() *cobra.Command {
	return serviceCommand("resume", "end superd pause", "Resume has a service accept again that superd pause has stopped.", (*control.Client).Resume)
}

// serviceCommand is a verb that does one thing to one service.
func serviceCommand(verb, short, long string, do func(*control.Client, context.Context, string) (*control.Done, error)) *cobra.Command {
	var t target
	c := &cobra.Command{
		Use: verb + " SERVICE", Short: short, Long: long,
		Args:              oneArgument,
		ValidArgsFunction: t.oneServiceName,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, args []string) error {
			done, err := do(d, ctx, args[0])
			if err == nil {
				_, err = fmt.Fprintln(c.OutOrStdout(), printable(done.Text))
			}
			return err
		}),
	}
	t.flags(c)
	return c
}
