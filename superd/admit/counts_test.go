package admit

import (
	"net/netip"
	"testing"
)

func TestCounts(t *testing.T) {
	var c counts
	unknown := netip.Prefix{}
	for _, source := range []netip.Prefix{nth(1), nth(1), nth(2), unknown} {
		c.add(source)
	}
	if c.running != 4 || len(c.sources) != 2 || c.sources[nth(1)] != 2 {
		t.Errorf("counts are %+v", c)
	}
	c.remove(unknown)
	c.remove(nth(1))
	c.remove(nth(2))
	if c.running != 1 || len(c.sources) != 1 || c.sources[nth(1)] != 1 {
		t.Errorf("counts are %+v", c)
	}
	c.remove(nth(1))
	if c.running != 0 || len(c.sources) != 0 {
		t.Errorf("counts are %+v", c)
	}
}

func TestCountsRefuseToGoNegative(t *testing.T) {
	for _, source := range []netip.Prefix{nth(1), {}} {
		var c counts
		if source.IsValid() {
			c.add(nth(2)) // somebody else's place must not be given back instead
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("removing %v again did not panic", source)
				}
			}()
			c.remove(source)
		}()
	}
}
