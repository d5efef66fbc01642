package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestKubernetes has the manifest read by Kubernetes' own types, and the configuration in it by superd. No cluster is asked.
func TestKubernetes(t *testing.T) {
	if !demanded {
		t.Skip("it downloads Kubernetes' types: SUPERD_E2E=1 does that")
	}
	goTool := need(t, "go")
	check := func(args ...string) string {
		t.Helper()
		out, err := try(goTool, append([]string{"-C", filepath.Join(root, "packaging/kubernetes/check"), "run", "."}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	kinds := check("../superd.yaml")
	for _, kind := range []string{"Kind=ConfigMap", "Kind=Deployment", "Kind=Service"} {
		if !strings.Contains(kinds, kind) {
			t.Errorf("no %s in %q", kind, kinds)
		}
	}
	manifest, err := os.ReadFile(filepath.Join(root, "packaging/kubernetes/superd.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	broken := s.write("broken.yaml", strings.Replace(string(manifest), "readinessProbe:", "readynessProbe:", 1))
	if _, err := try(goTool, "-C", filepath.Join(root, "packaging/kubernetes/check"), "run", ".", broken); err == nil || !strings.Contains(err.Error(), "readynessProbe") {
		t.Errorf("a wrong word passes: %v", err)
	}

	binary, err := superdBinary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := try(binary, "check", "--portable", s.write("superd.hcl", check("-hcl", "../superd.yaml"))); err != nil {
		t.Errorf("%s %v", out, err)
	}
}
