package main

import "testing"

func TestParseGoBench(t *testing.T) {
	text := `goos: linux
BenchmarkFloodHold-2        	 6019714	       190.1 ns/op	       0 B/op	       0 allocs/op
BenchmarkFloodHoldOn-2      	 1	       1 ns/op
BenchmarkFloodHold          	 5000000	       200.5 ns/op	        1.5 gate-KB	       0 B/op	       0 allocs/op
PASS
`
	found := parseGoBench(text, "BenchmarkFloodHold")
	if len(found) != 2 || found[0]["ns/op"] != 190.1 || found[1]["ns/op"] != 200.5 || found[1]["gate-KB"] != 1.5 {
		t.Errorf("%v", found)
	}
}
