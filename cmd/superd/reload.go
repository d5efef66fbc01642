package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func reloadCommand() *cobra.Command {
	var t target
	var json bool
	c := &cobra.Command{
		Use:   "reload",
		Short: "have the running daemon take its files over, and print what that did",
		Long: `Reload does what killall -HUP superd does, waits for it and prints what came of it.
It exits 0 if the files are in force, 2 if they are invalid, and 1 if something else was in the way; then nothing has changed.`,
		Args: noArguments,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, _ []string) error {
			r, err := d.Reload(ctx)
			switch {
			case err != nil:
				return err
			case json:
				err = printJSON(c.OutOrStdout(), r)
			default:
				printProblems(c.ErrOrStderr(), r.Problems)
				if r.Error == "" {
					err = printPlan(c.OutOrStdout(), &r.Plan)
				}
			}
			switch {
			case err != nil:
				return err
			case !r.Valid:
				return errReported
			case r.Error != "":
				return errors.New(printable(r.Error) + "; nothing has changed")
			}
			return nil
		}),
	}
	t.flags(c)
	c.Flags().BoolVar(&json, "json", false, "print it as JSON, as superd-control(7) describes it")
	return c
}
