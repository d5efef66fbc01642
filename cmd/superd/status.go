package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

// degraded is status's exit status when not everything is as it should be.
const degraded = exitError(3)

func statusCommand() *cobra.Command {
	var t target
	var json, verbose bool
	c := &cobra.Command{
		Use:   "status [NAME…]",
		Short: "show what the services of the running daemon do",
		Long: `Status prints the services of the running daemon, or those named, by id: state, addresses, connections now and at most, accepted and
refused ones, the last event and where the service is written. -v adds each one's connections, sources, bucket and attributes.
It exits 0 if all is well, and 3 if a service does not listen that should, or the last reload failed.`,
		ValidArgsFunction: t.serviceNames,
		RunE: t.asked(func(ctx context.Context, c *cobra.Command, d *control.Client, args []string) error {
			s, err := d.Status(ctx, args, verbose)
			switch {
			case err != nil:
				return err
			case json:
				err = printJSON(c.OutOrStdout(), s)
			default:
				err = printStatus(c.OutOrStdout(), s)
			}
			if err == nil && s.Degraded > 0 {
				return degraded
			}
			return err
		}),
	}
	t.flags(c)
	c.Flags().BoolVar(&json, "json", false, "print it as JSON, as superd-control(7) describes it")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "print connections, sources, limits and attributes as well")
	return c
}

func printStatus(out io.Writer, s *control.Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, headline(s))
	if f := s.Failure; f != nil {
		fmt.Fprintf(w, "the last reload failed %s ago: %s\n", ago(s.Time.Sub(f.Time)), printable(f.Error))
	}
	fmt.Fprintln(w, strings.Join(statusHead, "\t"))
	for _, v := range s.Services {
		fmt.Fprintln(w, strings.Join(statusRow(&v, s.Time), "\t"))
	}
	for _, v := range s.Services {
		if v.Degraded && v.Reason != "" {
			fmt.Fprintln(w, trouble(&v, s.Time))
		}
	}
	for _, v := range s.Services {
		if v.Detail != nil {
			printDetail(w, &v, s.Time)
		}
	}
	return w.Flush()
}

func headline(s *control.Status) string {
	return fmt.Sprintf("superd %s, pid %d, up %s; %s loaded %s ago (generation %d); connections: %d",
		s.Superd, s.Pid, ago(s.Time.Sub(s.Started)), printable(s.Config), ago(s.Time.Sub(s.Loaded)), s.Generation, s.Connections)
}

var statusHead = []string{"SERVICE", "STATE", "ENDPOINTS", "NOW", "ACCEPTED", "REFUSED", "LAST", "WHERE"}

// statusRow is one line of the table.
func statusRow(v *control.Service, now time.Time) []string {
	return []string{v.ID, state(v), endpoints(v), connections(v), strconv.FormatUint(v.Accepted+v.Datagrams, 10), refusals(v), last(v, now), orDash(printable(v.At))}
}

// state is the state in a few words; trouble has the others.
func state(v *control.Service) string {
	switch {
	case v.State == control.Retired:
		return v.State + " with " + v.Reason
	case v.Until != nil && v.State == control.Paused:
		return "paused until " + v.Until.Local().Format(time.TimeOnly)
	}
	return v.State
}

// trouble is why a service is in a state that it should not be in, and when that is over or tried again.
func trouble(v *control.Service, now time.Time) string {
	text := fmt.Sprintf("%s: %s", v.ID, printable(v.Reason))
	switch {
	case v.Until == nil:
	case v.State == control.Paused:
		text += "; it accepts again in " + ago(v.Until.Sub(now))
	default:
		text += "; tried again in " + ago(v.Until.Sub(now))
	}
	return text
}

const endpointsShown = 2

func endpoints(v *control.Service) string {
	var all []string
	for _, e := range v.Endpoints[:min(len(v.Endpoints), endpointsShown)] {
		all = append(all, e.Endpoint)
	}
	text := strings.Join(all, ", ")
	if more := len(v.Endpoints) - endpointsShown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return orDash(text)
}

// connections are how many run, and how many may.
func connections(v *control.Service) string {
	if v.Instances < 0 {
		return strconv.Itoa(v.Running)
	}
	return fmt.Sprintf("%d/%d", v.Running, v.Instances)
}

// refusals lists the verdicts, the most frequent first.
func refusals(v *control.Service) string {
	var verdicts []string
	for verdict := range v.Refused {
		verdicts = append(verdicts, verdict)
	}
	slices.SortFunc(verdicts, func(a, b string) int {
		if v.Refused[a] != v.Refused[b] {
			if v.Refused[a] > v.Refused[b] {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for i, verdict := range verdicts {
		verdicts[i] = fmt.Sprintf("%s %d", verdict, v.Refused[verdict])
	}
	if verdicts == nil {
		return "0"
	}
	return strings.Join(verdicts, ", ")
}

// lastShown bounds the text of a last event, in characters.
const lastShown = 40

func last(v *control.Service, now time.Time) string {
	if v.Last == nil {
		return "-"
	}
	text := v.Last.Event
	if v.Last.Summary != "" {
		text += " " + printable(v.Last.Summary)
	}
	if n := []rune(text); len(n) > lastShown {
		text = string(n[:lastShown-1]) + "…"
	}
	return text + ", " + ago(now.Sub(v.Last.Time)) + " ago"
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// printDetail is what -v adds for one service.
func printDetail(w io.Writer, v *control.Service, now time.Time) {
	d := v.Detail
	fmt.Fprintf(w, "\n%s, %s\n", v.ID, orDash(printable(v.Runs)))
	for _, e := range v.Endpoints {
		if e.Error != "" {
			fmt.Fprintf(w, "  %s is not open: %s\n", e.Endpoint, printable(e.Error))
		}
	}
	if d.Rate > 0 {
		fmt.Fprintf(w, "  bucket: %d of %d tokens; sources held off: %d\n", d.Tokens, d.Rate, d.Held)
	}
	if len(d.Connections) > 0 {
		fmt.Fprintln(w, "  CONNECTION\tPEER\tPID\tAGE\tIN\tOUT\tCPU")
	}
	for _, c := range d.Connections {
		fmt.Fprintf(w, "  %d\t%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, peer(&c), pid(&c), ago(now.Sub(c.Started)), amount(c.In), amount(c.Out), cpu(c.CPU))
	}
	if more := v.Running - len(d.Connections); len(d.Connections) == control.MaxListed && more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
	for i, s := range d.Sources {
		if i == 0 {
			fmt.Fprintln(w, "  SOURCE\tCONNECTIONS")
		}
		limit := ""
		if d.PerSource >= 0 {
			limit = "/" + strconv.Itoa(d.PerSource)
		}
		fmt.Fprintf(w, "  %s\t%d%s\n", s.Source, s.Running, limit)
	}
	fmt.Fprintln(w, "  ATTRIBUTE\tVALUE\tFROM")
	for _, a := range d.Attributes {
		from := printable(a.From)
		if from == "" {
			from = "default"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", a.Name, printable(a.Value), from)
	}
}

func peer(c *control.Connection) string {
	if !c.Peer.IsValid() {
		return "-"
	}
	return c.Peer.String()
}

func pid(c *control.Connection) string {
	if c.Pid == 0 {
		return "-"
	}
	return strconv.Itoa(c.Pid)
}

// amount is a number of bytes as a person reads it.
func amount(n *uint64) string {
	if n == nil {
		return "-"
	}
	size, unit := float64(*n), 0
	for size >= 1024 && unit < 4 {
		size, unit = size/1024, unit+1
	}
	if unit == 0 {
		return strconv.FormatUint(*n, 10)
	}
	return fmt.Sprintf("%.1f%c", size, " KMGT"[unit])
}

func cpu(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return fmt.Sprintf("%.2fs", *seconds)
}
