package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func exampleTable() *table {
	t := &table{Scenario: "spawn", Doc: "a program", Metrics: []metric{{perSecond, 0}, {p99, 2}, {"never", 0}}, Compare: perSecond}
	for _, v := range []float64{900, 1200, 1000} {
		us, them := t.row("superd"), t.row("xinetd")
		us.Rounds = append(us.Rounds, sample{perSecond: v, p99: 1.5})
		them.Rounds = append(them.Rounds, sample{perSecond: 300})
	}
	t.note("%d of them", 3)
	t.note("%d of them", 3)
	return t
}

func TestWriteTable(t *testing.T) {
	var b bytes.Buffer
	if err := exampleTable().write(&b); err != nil {
		t.Fatal(err)
	}
	want := `
spawn: a program

        conn/s  p99 ms  superd ÷ it, conn/s
superd    1000    1.50                    -
xinetd     300       -     3.33 (3.00–4.00)

  * 3 of them
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// Without superd there is nothing to compare with, and no figure that says so.
func TestNoRatioWithoutSuperd(t *testing.T) {
	tab := exampleTable()
	tab.Rows = tab.Rows[1:]
	tab.row("tcpserver").Rounds = []sample{{perSecond: 100}}
	var b bytes.Buffer
	if err := tab.write(&b); err != nil || strings.Contains(b.String(), "÷") {
		t.Errorf("%v: %s", err, b.String())
	}
}

func TestSave(t *testing.T) {
	for _, given := range []string{"out.json", "out.csv", "out"} {
		dir := t.TempDir()
		r := report{Machine: machine{Cores: 2}, Tables: []*table{exampleTable()}, Problems: []string{"lost"}}
		if err := r.save(filepath.Join(dir, given)); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, map[bool]string{true: "out", false: "out.json"}[given == "out"]))
		if err != nil {
			t.Fatal(err)
		}
		var back struct {
			Machine   struct{ Cores int }
			Problems  []string
			Scenarios []struct {
				Scenario string
				Servers  []struct {
					Server string
					Median map[string]float64
					Ratio  *jsonSpread `json:"superd_to_it"`
					Rounds []sample
				}
			}
		}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		them := back.Scenarios[0].Servers[1]
		if back.Machine.Cores != 2 || len(back.Problems) != 1 || them.Server != "xinetd" || them.Median[perSecond] != 300 ||
			len(them.Rounds) != 3 || them.Ratio == nil || them.Ratio.Max != 4 || back.Scenarios[0].Servers[0].Ratio != nil {
			t.Errorf("%+v", back)
		}
		text, err = os.ReadFile(filepath.Join(dir, "out.csv"))
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(lines) != 1+3*2+3 || strings.Join(lines[1], " ") != "spawn superd 1 conn/s 900" {
			t.Errorf("%q", lines)
		}
	}
}
