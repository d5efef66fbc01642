package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

// somethingWouldChange is plan's exit status when a reload would do something.
const somethingWouldChange = exitError(4)

func planCommand() *cobra.Command {
	var t target
	var json bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "show what a reload would change, and change nothing",
		Long: `Plan has the running daemon read its files, or with -c another main file, and compare them with what runs.
It exits 0 if a reload would change nothing, 4 if something, and 2 if the files are invalid.`,
		Args: noArguments,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, _ []string) error {
			file := ""
			if c.Flags().Changed("config") && t.file() != d.Hello.Config {
				file = t.file()
			}
			p, err := d.Plan(ctx, file)
			switch {
			case err != nil:
				return err
			case json:
				err = printJSON(c.OutOrStdout(), p)
			default:
				printProblems(c.ErrOrStderr(), p.Problems)
				if p.Valid {
					err = printPlan(c.OutOrStdout(), p)
				}
			}
			switch {
			case err != nil:
				return err
			case !p.Valid:
				return errReported
			case !p.Empty():
				return somethingWouldChange
			}
			return nil
		}),
	}
	t.flags(c)
	c.Flags().BoolVar(&json, "json", false, "print it as JSON, as superd-control(7) describes it")
	return c
}

// printPlan prints a line for each service that changes, below it its attributes, and last how many stay.
func printPlan(out io.Writer, p *control.Plan) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		verb     string
		services []control.Planned
	}{{"open", p.Open}, {"retune", p.Retune}, {"retire", p.Retire}} {
		for _, s := range part.services {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s%s\n", part.verb, s.ID, strings.Join(s.Endpoints[:min(len(s.Endpoints), endpointsShown)], ", "), printable(s.At), goOn(part.verb, s.Running))
			printChanges(w, s.Changes)
		}
	}
	if len(p.Daemon) > 0 {
		fmt.Fprintln(w, "superd")
		printChanges(w, p.Daemon)
	}
	if p.Empty() {
		fmt.Fprint(w, "nothing changes; ")
	}
	fmt.Fprintf(w, "services kept: %d\n", p.Kept)
	return w.Flush()
}

func goOn(verb string, running int) string {
	if running == 0 || verb == "open" {
		return ""
	}
	return fmt.Sprintf("\t(connections that go on as they began: %d)", running)
}

func printChanges(w io.Writer, changes []control.Change) {
	for _, c := range changes {
		from := ""
		if c.From != "" {
			from = "   # " + printable(c.From)
		}
		fmt.Fprintf(w, "    %s: %s → %s%s\n", c.Attribute, printable(orNone(c.Old)), printable(orNone(c.New)), from)
	}
}

func orNone(value string) string {
	if value == "" {
		return "none"
	}
	return value
}
