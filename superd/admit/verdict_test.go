package admit

import "testing"

func TestVerdictWords(t *testing.T) {
	want := []string{"ok", "address", "libwrap", "sensor", "time", "load", "cps", "hold", "instances", "per_source", "lookup", "fork", "descriptors", "target", "ident"}
	if int(Verdicts) != len(want) {
		t.Fatalf("%d verdicts, want %d", Verdicts, len(want))
	}
	for v := range Verdicts {
		if got := v.String(); got != want[v] {
			t.Errorf("verdict %d is %q, want %q", v, got, want[v])
		}
	}
}
