package config

import (
	"os"
	"testing"
)

func TestScratch(t *testing.T) {
	for _, o := range []Options{{PortOffset: 10000}, {Privileged: true}, {Portable: true}} {
		c, d := Load("../../superd.hcl", o)
		d.Write(os.Stdout)
		if c != nil {
			for _, s := range c.Services {
				t.Log(s.ID, s.Endpoints)
			}
			t.Log(c.Disabled, c.Includes, len(c.Files))
		}
	}
}
