package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"superd/superd"
	"superd/superd/config"
	"superd/superd/control"
)

func explainCommand() *cobra.Command {
	var t target
	var at string
	var json bool
	c := &cobra.Command{
		Use:   "explain SERVICE ADDRESS",
		Short: "say whether a client would be let in now, and why",
		Long: `Explain says what would happen to a client of the service that comes from the address, and why: the rule that decides, with its
file and line, and each limit with its counter and what is left. Without a daemon it answers from the files, for the rules alone.
--at asks for another time: "15:04", "2006-01-02 15:04" or as in RFC 3339; only access_times depend on it.`,
		Args:              twoArguments,
		ValidArgsFunction: t.oneServiceName,
		RunE: func(c *cobra.Command, args []string) error {
			q, err := question(c, args, at)
			if err != nil {
				return err
			}
			ctx, end := asking(false)
			defer end()
			x, err := t.explain(ctx, c, q)
			switch {
			case err != nil:
				return err
			case json:
				return printJSON(c.OutOrStdout(), x)
			}
			return printExplanation(c.OutOrStdout(), x)
		},
	}
	t.flags(c)
	c.Flags().StringVar(&at, "at", "", "as of another `TIME`")
	c.Flags().BoolVar(&json, "json", false, "print it as JSON, as superd-control(7) describes it")
	return c
}

func question(c *cobra.Command, args []string, at string) (q control.Question, err error) {
	q.Service = args[0]
	if q.Address, err = netip.ParseAddr(args[1]); err != nil {
		return q, wrongUsage(c, fmt.Errorf("%q is no address", args[1]))
	}
	if at != "" {
		if q.At, err = parseTime(at, time.Now()); err != nil {
			return q, wrongUsage(c, err)
		}
	}
	return q, nil
}

// parseTime reads a time of the local clock; one without a date is today's.
func parseTime(text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", text, time.Local); err == nil {
		return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), 0, 0, time.Local), nil
	}
	return time.Time{}, fmt.Errorf(`%q is no time; write "15:04", "2006-01-02 15:04", or as in RFC 3339`, text)
}

// explain asks the daemon, or if it cannot, the files.
func (t *target) explain(ctx context.Context, c *cobra.Command, q control.Question) (*control.Explanation, error) {
	d, err := t.dial(ctx, c)
	if err == nil {
		return d.Explain(ctx, q)
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s; this is from the files, for the rules alone\n", printable(err.Error()))
	running, diags := config.Load(t.config, config.Options{Privileged: true, Portable: os.Geteuid() != 0})
	if diags.HasErrors() {
		return nil, errors.Join(diags.Write(c.ErrOrStderr()), errReported)
	}
	for _, s := range running.Services {
		if strings.EqualFold(s.ID, q.Service) {
			return superd.ExplainFiles(ctx, running, s, q), nil
		}
	}
	for _, id := range running.Disabled {
		if strings.EqualFold(id, q.Service) {
			return nil, fmt.Errorf("the service %q is disabled", id)
		}
	}
	return nil, fmt.Errorf("%s has no service %q", t.config, q.Service)
}

func printExplanation(out io.Writer, x *control.Explanation) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	verdict := x.Verdict
	if verdict == "ok" {
		verdict = ""
	} else {
		verdict = " (" + verdict + ")"
	}
	fmt.Fprintf(w, "%s of %s: %s%s\n", x.Address, x.Service, printable(x.Action), verdict)
	if len(x.Names) > 0 {
		fmt.Fprintf(w, "its names: %s\n", printable(strings.Join(x.Names, ", ")))
	}
	for _, s := range x.Steps {
		mark := "no"
		if s.OK {
			mark = "yes"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", s.Verdict, mark, printable(s.Text), printable(s.From))
	}
	return w.Flush()
}
