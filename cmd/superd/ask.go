package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"superd/superd/config"
	"superd/superd/control"
)

// target is how a verb finds the daemon that it talks to.
type target struct {
	config  string
	control string
}

func (t *target) flags(c *cobra.Command) {
	configFlag(c, &t.config)
	c.Flags().StringVar(&t.control, "control", "", "the control socket's `PATH`, instead of what the configuration says")
	_ = c.MarkFlagFilename("control") // fails only for a flag that does not exist
}

// file is the main file, absolute.
func (t *target) file() string {
	if abs, err := filepath.Abs(t.config); err == nil {
		return abs
	}
	return t.config
}

// dial finds the daemon: by --control, or by what the file says, or in the usual places.
func (t *target) dial(ctx context.Context, c *cobra.Command) (*control.Client, error) {
	paths := control.DefaultPaths()
	switch of, err := config.ControlOf(t.config); {
	case t.control != "":
		paths = []string{t.control}
	case err != nil && c.Flags().Changed("config"):
		return nil, err
	case of.Path == control.None:
		return nil, fmt.Errorf("%s says that there is no control socket", t.config)
	case of.Path != "":
		paths = []string{of.Path}
	}
	return control.Dial(ctx, paths, t.file())
}

// answerTime is how long a verb waits for an answer: longer than the daemon takes before it says that it is busy.
const answerTime = 30 * time.Second

// asking is a verb's context: it ends with Ctrl-C, and unless the verb goes on for as long as it is let, after answerTime.
func asking(forever bool) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if forever {
		return ctx, stop
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	return ctx, func() { cancel(); stop() }
}

// asked makes RunE of what asks the daemon one thing.
func (t *target) asked(do func(ctx context.Context, c *cobra.Command, d *control.Client, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		ctx, end := asking(false)
		defer end()
		d, err := t.dial(ctx, c)
		if err != nil {
			return err
		}
		return do(ctx, c, d, args)
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printProblems is what check prints, of problems that the daemon found.
func printProblems(w io.Writer, problems []control.Problem) {
	for _, p := range problems {
		fmt.Fprintf(w, "%s: %s: %s\n%s", printable(p.At), p.Severity, printable(p.Summary), p.Text)
	}
}

// printable keeps what others have written from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}

// ago is a stretch of time as a person says it.
func ago(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// serviceNames completes the ids of the daemon's services.
func (t *target) serviceNames(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	d, err := t.dial(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	s, err := d.Status(ctx, nil, false)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, service := range s.Services {
		names = append(names, service.ID)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// oneServiceName is serviceNames for the first argument alone.
func (t *target) oneServiceName(c *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return t.serviceNames(c, args, typed)
}
