package main

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/spf13/pflag"
)

const manual = "../../packaging/man"

// TestEveryVerbHasItsPlace: superd(8) has each verb, and it or the verb's own page each of its options.
func TestEveryVerbHasItsPlace(t *testing.T) {
	page := manualPage(t, "superd.8")
	root := rootCommand()
	root.InitDefaultCompletionCmd("run")
	root.InitDefaultHelpCmd()
	for _, verb := range root.Commands() {
		if verb.Hidden {
			continue
		}
		// From the verb's item to the next one of the same list.
		place := regexp.MustCompile(`(?s)\n\.It Ic ` + verb.Name() + `\b.*?(\n\.It Ic |\n\.Sh )`).FindString(page)
		if place == "" {
			t.Errorf("superd.8 does not describe superd %s", verb.Name())
			continue
		}
		if own, _ := filepath.Glob(filepath.Join(manual, "superd-"+verb.Name()+".[1-9]")); len(own) == 1 {
			place += manualPage(t, filepath.Base(own[0]))
		}
		verb.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if shared := f.Name == "config" || f.Name == "control"; shared && verb.Name() != "run" {
				return // described once for all verbs that talk to the daemon
			}
			if !f.Hidden && !regexp.MustCompile(`Fl (\w , )?-`+f.Name+`\b`).MatchString(place) {
				t.Errorf("the manual does not describe superd %s --%s", verb.Name(), f.Name)
			}
		})
	}
}

func manualPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(manual, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
