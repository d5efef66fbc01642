// Command man writes the manual pages that are made of tables: superd.hcl.5 of the attribute table,
// superd-events.7 of the table of events and superd-metrics.7 of the metrics. Each has a frame, NAME.in beside it, written by hand, in which a line
// ".\" LIST WORD" stands where a list belongs. Run it after changing a table or a frame:
//
//	go generate ./packaging/man
//
// All pages are mdoc(7). The other ones are written by hand; the tests here and in cmd/superd tell what they lack.
package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
)

//go:generate go run .

// pages are those that are generated.
var pages = []string{"superd.hcl.5", "superd-events.7", "superd-metrics.7"}

func main() {
	log.SetFlags(0)
	log.SetPrefix("packaging/man: ")
	for _, page := range pages {
		text, err := generate(page)
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}

// lists are what a frame can ask for.
var lists = map[string]func(*mdoc) error{
	"attributes": attributes,
	"builtins":   builtins,
	"events":     events,
	"keys":       keys,
	"metrics":    metrics,
	"verdicts":   verdicts,
}

// generate fills a page's frame.
func generate(page string) (string, error) {
	frame, err := os.ReadFile(page + ".in")
	if err != nil {
		return "", err
	}
	var m mdoc
	m.raw(`.\" Generated from ` + filepath.Base(page) + `.in and the tables: edit those, then go generate ./packaging/man`)
	for line := range strings.Lines(string(frame)) {
		word, isList := strings.CutPrefix(strings.TrimSuffix(line, "\n"), `.\" LIST `)
		if !isList {
			m.WriteString(line)
			continue
		}
		list := lists[word]
		if list == nil {
			return "", fmt.Errorf("%s.in asks for %q, which is no list", page, word)
		}
		if err := list(&m); err != nil {
			return "", errors.Join(fmt.Errorf("%s: list %s", page, word), err)
		}
	}
	return m.String(), nil
}
