package main

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// benchmarkGate adds what superd's own Go benchmark says about a gate that is flooded from a /16: it can be seen from inside only.
func (b *bench) benchmarkGate(t *table) error {
	if !b.builtHere {
		t.note("the cost of a decision comes from superd's source: go test -bench Flood ./superd/admit")
		return nil
	}
	out, err := exec.Command("go", "test", "-run", "^$", "-bench", "^BenchmarkFlood(Hold|Memory)$", "-count", strconv.Itoa(b.rounds), "superd/superd/admit").CombinedOutput()
	if err != nil {
		return fmt.Errorf("go test -bench Flood: %w\n%s", err, out)
	}
	holds, memory := parseGoBench(string(out), "BenchmarkFloodHold"), parseGoBench(string(out), "BenchmarkFloodMemory")
	if len(holds) != b.rounds || len(memory) != b.rounds {
		return fmt.Errorf("go test -bench Flood has said something else: %s", out)
	}
	r := t.row(superdName)
	for i := range min(b.rounds, len(r.Rounds)) {
		r.Rounds[i][perVerdict], r.Rounds[i][allocated] = holds[i]["ns/op"], holds[i]["allocs/op"]
		r.Rounds[i][gateSize] = memory[i]["gate-KB"]
	}
	return nil
}

// parseGoBench finds the values by unit in each line that a benchmark has written.
func parseGoBench(text, name string) (found []map[string]float64) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 4 || fields[0] != name && !strings.HasPrefix(fields[0], name+"-") {
			continue
		}
		values := map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				values[fields[i+1]] = v
			}
		}
		found = append(found, values)
	}
	return found
}
