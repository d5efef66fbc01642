package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"strings"

	"superd/services"
	"superd/superd/admit"
	"superd/superd/config"
	"superd/superd/event"
)

// attributes writes each row of the attribute table.
func attributes(m *mdoc) error {
	m.raw(".Bl -tag -width Ds")
	for _, a := range config.Attributes {
		m.macro("It Ic", a.Name)
		m.sentences(a.Doc)
		m.raw(".Bl -tag -width Default -compact")
		m.field("Type", a.Type)
		if len(a.Words) > 0 {
			m.field("Words", strings.Join(a.Words, ", "))
		}
		m.field("Where", a.Where.String())
		if a.Default != "" {
			m.literal("Default", a.Default)
		}
		m.literal("Example", a.Name+" = "+a.Example)
		m.raw(".It Xinetd")
		m.sentences(a.Xinetd)
		m.raw(".El")
	}
	m.raw(".El")
	return nil
}

func (m *mdoc) field(name, text string) {
	m.raw(".It " + name)
	m.fold(text)
}

func (m *mdoc) literal(name, text string) {
	m.raw(".It " + name)
	m.macro("Li", text)
}

// builtins writes each row of the table of builtins.
func builtins(m *mdoc) error {
	m.raw(".Bl -tag -width Ds -compact")
	for _, b := range services.All() {
		m.macro("It Ic", b.Name)
		var speaks []string
		if b.Streams() {
			speaks = append(speaks, "stream")
		}
		if b.Dgram != nil {
			speaks = append(speaks, "dgram")
		}
		text := strings.Join(speaks, " and ")
		if b.Port != 0 {
			text += fmt.Sprintf(", port %d", b.Port)
		}
		if b.RFC != "" {
			text += ", " + b.RFC
		}
		m.sentences(text)
	}
	m.raw(".El")
	return nil
}

// events writes each row of the table of events, with the first line that its golden file has of it.
func events(m *mdoc) error {
	example, err := exampleLines("../../superd/event/testdata/events.golden")
	if err != nil {
		return err
	}
	m.raw(".Bl -tag -width Ds")
	for _, e := range event.Table() {
		m.macro("It Ic", e.Name)
		m.sentences(e.Doc)
		m.raw(".br")
		m.sentences("Level: " + e.Level.String())
		if len(e.Keys) > 0 {
			var names []string
			for _, k := range e.Keys {
				names = append(names, k.Name)
			}
			m.sentences("Keys: " + strings.Join(names, ", "))
		}
		line, ok := example[e.Name]
		if !ok {
			return fmt.Errorf("no example line of %s", e.Name)
		}
		m.raw(".Bd -literal -compact")
		for _, part := range foldLine(line) {
			m.example(part)
		}
		m.raw(".Ed")
	}
	m.raw(".El")
	return nil
}

var eventLine = regexp.MustCompile(`^\S+ superd\[\d+\] ([A-Z-]+)`)

// exampleLines has the first text line of each event in the golden file of its tests.
func exampleLines(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := map[string]string{}
	s := bufio.NewScanner(f)
	for s.Scan() {
		if m := eventLine.FindStringSubmatch(s.Text()); m != nil && lines[m[1]] == "" {
			lines[m[1]] = s.Text()
		}
	}
	return lines, s.Err()
}

// foldLine breaks a long example between words; what follows is indented.
func foldLine(line string) (parts []string) {
	const width = 66
	part := ""
	for _, word := range strings.Split(line, " ") {
		switch {
		case part == "":
			part = word
		case len(part)+1+len(word) > width:
			parts = append(parts, part)
			part = "    " + word
		default:
			part += " " + word
		}
	}
	return append(parts, part)
}

// keys writes each key.
func keys(m *mdoc) error {
	m.raw(".Bl -tag -width connectionsX -compact")
	for _, k := range event.Keys() {
		m.macro("It Ic", k.Name)
		m.sentences(k.Doc)
	}
	m.raw(".El")
	return nil
}

// verdicts writes each word that REFUSE may have.
func verdicts(m *mdoc) error {
	m.raw(".Bl -tag -width descriptorsX -compact")
	for v := admit.OK + 1; v < admit.Verdicts; v++ {
		m.macro("It Ic", v.String())
		m.sentences(v.Doc())
	}
	m.raw(".El")
	return nil
}

// metrics writes each metric.
func metrics(m *mdoc) error {
	m.raw(".Bl -tag -width Ds -compact")
	for _, f := range services.Families() {
		m.macro("It Li", f.Name)
		m.sentences(strings.TrimSuffix(f.Help, ".") + " (" + f.Kind + ")")
	}
	m.raw(".El")
	return nil
}
