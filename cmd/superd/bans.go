package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func bansCommand() *cobra.Command {
	var t target
	var asJSON bool
	c := &cobra.Command{
		Use: "bans", Short: "list whom sensors have banned",
		Long: `Bans lists the sources that services with the flag SENSOR have caught, the newest first: since when and until when they are
kept out of all services, how often they were caught, and by which sensor.`,
		Args: noArguments,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, _ []string) error {
			b, err := d.Bans(ctx)
			if err != nil {
				return err
			}
			if asJSON {
				e := json.NewEncoder(c.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(b)
			}
			return writeBans(c, b.Bans)
		}),
	}
	t.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON")
	return c
}

func writeBans(c *cobra.Command, bans []control.Ban) error {
	if len(bans) == 0 {
		_, err := fmt.Fprintln(c.OutOrStdout(), "nobody is banned")
		return err
	}
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tSENSOR\tSINCE\tUNTIL\tHITS")
	for _, b := range bans {
		until := "for ever"
		if b.Until != nil {
			until = b.Until.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", b.Source, printable(b.Sensor), b.Since.Local().Format(time.DateTime), until, b.Hits)
	}
	return w.Flush()
}

func unbanCommand() *cobra.Command {
	var t target
	c := &cobra.Command{
		Use: "unban ADDRESS|ADDRESS/BITS|all", Short: "let those in again whom sensors have banned",
		Long: `Unban lifts the bans that an address falls under, or those of a range, or all. Whoever comes to a sensor again is banned again.`,
		Args: oneArgument,
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] != control.All {
				if _, err := control.ParseSource(args[0]); err != nil {
					return wrongUsage(c, err)
				}
			}
			return t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, args []string) error {
				done, err := d.Unban(ctx, args[0])
				if err == nil {
					_, err = fmt.Fprintln(c.OutOrStdout(), printable(done.Text))
				}
				return err
			})(c, args)
		},
	}
	t.flags(c)
	return c
}
