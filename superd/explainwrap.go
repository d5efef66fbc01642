package superd

import (
	"context"
	"fmt"
	"net/netip"
	"os"

	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/control"
	"superd/superd/libwrap"
)

// wrapped says what hosts.allow and hosts.deny decide about a client; nil if they say nothing or are not asked. Commands of their
// rules are not run: what depends on one is said to.
func wrapped(ctx context.Context, tables *libwrap.Tables, s *config.Service, addr netip.Addr, lookup func(context.Context, netip.Addr) answer) *control.Step {
	if tables == nil || s.Libwrap == "" {
		return nil
	}
	request := libwrap.Request{
		Daemon: s.Libwrap, Pid: os.Getpid(), Ran: map[string]bool{}, User: libwrap.Unknown,
		Client: libwrap.Host{Addr: netip.AddrPortFrom(addr.Unmap(), 0)},
	}
	if len(s.Endpoints) > 0 {
		request.Server.Addr = s.Endpoints[0].Addr
	}
	name := func(h *libwrap.Host) {
		h.Name = libwrap.Unknown
		if h.Addr.IsValid() {
			h.Name = lookup(ctx, h.Addr.Addr().Unmap()).name()
		}
	}
	for {
		o, need := tables.Decide(&request)
		switch {
		case need.ClientName:
			name(&request.Client)
		case need.ServerName:
			name(&request.Server)
		case need.Command != "":
			return &control.Step{Verdict: admit.Libwrap.String(), OK: true, Text: fmt.Sprintf("that depends on the end of %q, which is not run for this", need.Command)}
		case o.Rule == "":
			return &control.Step{Verdict: admit.Libwrap.String(), OK: true, Text: "no rule of hosts.allow and hosts.deny matches " + s.Libwrap}
		default:
			return ruledBy(o)
		}
	}
}

func ruledBy(o libwrap.Outcome) *control.Step {
	step := &control.Step{Verdict: admit.Libwrap.String(), OK: o.Verdict != libwrap.Deny, From: o.Rule, Text: "the first rule that matches grants"}
	switch o.Verdict {
	case libwrap.Deny:
		step.Text = "the first rule that matches denies"
		if o.Why != "" {
			step.Text += ": " + o.Why
		}
	case libwrap.Twist:
		step.Text = "the first rule that matches runs another program (twist)"
	}
	return step
}
