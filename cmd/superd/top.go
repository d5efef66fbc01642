package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"superd/superd/control"
)

func topCommand() *cobra.Command {
	var t target
	var interval time.Duration
	var count int
	c := &cobra.Command{
		Use:   "top",
		Short: "show live what the services of the running daemon do",
		Long: `Top shows the services of the running daemon and looks again each second: those with most connections first.

  letters, Backspace   show only services, or connections, with this text in their line
  Up, Down             choose one
  Enter, Esc           its connections, and back
  Tab, Shift-Tab       sort by the next column, or the one before
  Ctrl-P               pause or resume the service, after y
  Del, Ctrl-K          end the connection, after y
  Ctrl-C               end

Where the output is no terminal it prints the table again and again.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if interval < 100*time.Millisecond {
				return wrongUsage(c, errors.New("--interval is 100ms or more"))
			}
			ctx, end := asking(true)
			defer end()
			d, err := t.dial(ctx, c)
			if err != nil {
				return err
			}
			look := looking{daemon: d, interval: interval, count: count}
			screen, err := openTerminal(os.Stdin, os.Stdout)
			if err != nil {
				return look.plain(ctx, c)
			}
			defer screen.close()
			return look.full(ctx, screen)
		},
	}
	t.flags(c)
	c.Flags().DurationVarP(&interval, "interval", "i", time.Second, "look again after this `TIME`")
	c.Flags().IntVarP(&count, "count", "n", 0, "end after `N` looks; 0 never")
	return c
}

// looking is a top that runs.
type looking struct {
	daemon   *control.Client
	interval time.Duration
	count    int
}

// plain prints status's table for each look.
func (l *looking) plain(ctx context.Context, c *cobra.Command) error {
	for n := 1; ; n++ {
		s, err := l.ask(ctx, "")
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(c.OutOrStdout(), s.Time.Local().Format(time.DateTime))
		if err := printStatus(c.OutOrStdout(), s); err != nil {
			return err
		}
		if n == l.count {
			return nil
		}
		select {
		case <-time.After(l.interval):
		case <-ctx.Done():
			return nil
		}
	}
}

// ask looks once: at all services, or closely at one.
func (l *looking) ask(ctx context.Context, service string) (*control.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if service != "" {
		return l.daemon.Status(ctx, []string{service}, true)
	}
	return l.daemon.Status(ctx, nil, false)
}

// full runs the screen until Ctrl-C.
func (l *looking) full(ctx context.Context, screen *terminal) error {
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(l.interval)
	defer tick.Stop()
	var b board
	l.refresh(ctx, &b)
	for looks := 1; ; {
		if err := screen.draw(b.frame(screen.size())); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-resized:
		case <-tick.C:
			if looks == l.count {
				return nil
			}
			looks++
			l.refresh(ctx, &b)
		case k, open := <-screen.keys:
			if !open || b.press(k) == quit {
				return nil
			}
			l.obey(ctx, &b)
		}
	}
}

func (l *looking) refresh(ctx context.Context, b *board) {
	s, err := l.ask(ctx, b.service)
	b.show(s, err)
}

// obey does what a key has asked for.
func (l *looking) obey(ctx context.Context, b *board) {
	todo := b.order
	b.order = order{}
	var done *control.Done
	var err error
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	switch todo.what {
	case nothing:
		return
	case look:
	case pauseService:
		done, err = l.daemon.Pause(ctx, todo.service)
	case resumeService:
		done, err = l.daemon.Resume(ctx, todo.service)
	case kickConnection:
		done, err = l.daemon.Kick(ctx, control.Kick{Connection: todo.connection})
	}
	switch {
	case err != nil:
		b.message = printable(err.Error())
	case done != nil:
		b.message = printable(done.Text)
	}
	l.refresh(ctx, b)
}
