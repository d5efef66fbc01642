package admit

import "net/netip"

// counts are the connections that run, in all and by source. The zero value is empty.
type counts struct {
	running int
	sources map[netip.Prefix]int // only sources that have some; an unknown peer is in running alone
}

func (c *counts) add(source netip.Prefix) {
	c.running++
	if !source.IsValid() {
		return
	}
	if c.sources == nil {
		c.sources = make(map[netip.Prefix]int)
	}
	c.sources[source]++
}

// remove panics when there is nothing to remove: somebody released a slot twice.
func (c *counts) remove(source netip.Prefix) {
	n := c.sources[source]
	if c.running == 0 || source.IsValid() && n == 0 {
		panic("admit: slot released twice")
	}
	c.running--
	switch n {
	case 0:
	case 1:
		delete(c.sources, source)
	default:
		c.sources[source] = n - 1
	}
}
