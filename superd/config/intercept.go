package config

import "net/netip"

// MostPeers bounds the addresses that the kernel can be told to let in or keep out (flag INTERCEPT): with as many its filter
// is within net.core.optmem_max.
const MostPeers = 200

// intercepted makes only_from and no_access hold for every peer of a wait service, not only for the one that its program is
// started for: as a filter on the socket itself.
func (l *loader) intercepted(s *spec) {
	if !s.Wait {
		l.diags.warnf(s.at("flags"), "Flag without an effect", `"INTERCEPT" is about wait = true; superd itself sees each client of this service. Leave it out.`)
		return
	}
	if !s.Access.Restricted && len(s.Access.NoAccess) == 0 {
		return
	}
	peers := &Access{Restricted: s.Access.Restricted}
	peers.OnlyFrom = l.addressesOf(s, s.Access.OnlyFrom, "so that this client is kept out")
	peers.NoAccess = l.addressesOf(s, s.Access.NoAccess, "so that this client is kept out only when the program is started for it")
	count := len(peers.OnlyFrom) + len(peers.NoAccess)
	if count > MostPeers {
		l.diags.errorf(s.at("only_from", "no_access"), "List too long", `With "INTERCEPT" only_from and no_access have at most %d addresses together; here are %d.`, MostPeers, count)
		return
	}
	s.Socket.Peers = peers
}

// addressesOf are the rules that a filter can have. Of the names it knows that of this machine.
func (l *loader) addressesOf(s *spec, rules []Rule, but string) []Rule {
	var known []Rule
	for _, r := range rules {
		switch r.Name {
		case "":
			known = append(known, r)
		case "localhost":
			known = append(known, Rule{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Word: r.Word}, Rule{Prefix: netip.MustParsePrefix("::1/128"), Word: r.Word})
		default:
			l.diags.warnf(s.at("only_from", "no_access"), "Name in a filter", `With "INTERCEPT" the kernel looks at each packet, and knows addresses only, %s: write those of %q.`, but, r.Word)
		}
	}
	return known
}
