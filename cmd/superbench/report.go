package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// report is a whole run, as -o writes it.
type report struct {
	Machine  machine           `json:"machine"`
	Versions map[string]string `json:"versions"` // of each server that took part
	Tables   []*table          `json:"-"`
	Missing  []string          `json:"missing,omitempty"` // servers that are not on the machine
	Problems []string          `json:"problems"`          // what was lost or corrupted, and what could not be measured
}

type jsonTable struct {
	Scenario string    `json:"scenario"`
	Doc      string    `json:"doc"`
	Compare  string    `json:"compare,omitempty"`
	Servers  []jsonRow `json:"servers"`
	Notes    []string  `json:"notes,omitempty"`
}

type jsonRow struct {
	Server string             `json:"server"`
	Median map[string]float64 `json:"median"`
	Ratio  *jsonSpread        `json:"superd_to_it,omitempty"`
	Rounds []sample           `json:"rounds"`
}

type jsonSpread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func (r *report) writeJSON(w io.Writer) error {
	tables := make([]jsonTable, 0, len(r.Tables))
	for _, t := range r.Tables {
		jt := jsonTable{Scenario: t.Scenario, Doc: t.Doc, Compare: t.Compare, Notes: t.Notes}
		for _, row := range t.Rows {
			jr := jsonRow{Server: row.Server, Median: map[string]float64{}, Rounds: row.Rounds}
			for _, m := range t.Metrics {
				if v := row.median(m.Name); !math.IsNaN(v) {
					jr.Median[m.Name] = v
				}
			}
			if s, ok := t.ratio(row); ok {
				jr.Ratio = &jsonSpread{s.Median, s.Min, s.Max}
			}
			jt.Servers = append(jt.Servers, jr)
		}
		tables = append(tables, jt)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		*report
		Scenarios []jsonTable `json:"scenarios"`
	}{r, tables})
}

// writeCSV writes each value of each round on a line of its own.
func (r *report) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	lines := [][]string{{"scenario", "server", "round", "metric", "value"}}
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			for i, s := range row.Rounds {
				for _, m := range t.Metrics {
					if v, ok := s[m.Name]; ok {
						lines = append(lines, []string{t.Scenario, row.Server, strconv.Itoa(i + 1), m.Name, strconv.FormatFloat(v, 'g', 8, 64)})
					}
				}
			}
		}
	}
	return c.WriteAll(lines)
}

// save writes FILE as JSON, and beside it the same name with .csv.
func (r *report) save(file string) error {
	rest := strings.TrimSuffix(file, ".csv")
	if rest == file {
		rest = strings.TrimSuffix(file, filepath.Ext(file))
	} else {
		file = rest + ".json"
	}
	return errors.Join(writeFile(file, r.writeJSON), writeFile(rest+".csv", r.writeCSV))
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := write(f); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
