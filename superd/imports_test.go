package superd

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The rooms' doors: who may import whom, and which module is one room's alone. Imports point one way,
// cmd → superd → {socket, admit, spawn, event, control} → config → services.
var (
	mayImport = map[string][]string{
		"superd/services":       {},
		"superd/superd/config":  {"superd/services", "superd/superd/selinux"},
		"superd/superd/admit":   {"superd/superd/config"},
		"superd/superd/libwrap": {},
		"superd/superd/control": {},
		"superd/superd/convert": {"superd/superd/config"},
		"superd/superd/socket":  {"superd/superd/config"},
		"superd/superd/spawn":   {"superd/superd/config"},
		"superd/superd/event":   {"superd/superd/config"},
		"superd/superd/ident":   {},
		"superd/superd/rpcbind": {},
		"superd/superd/selinux": {},
		"superd/superd/systemd": {},
		"superd/superd/testnet": {},
		"superd/superd": {
			"superd/services", "superd/superd/config", "superd/superd/admit",
			"superd/superd/socket", "superd/superd/spawn", "superd/superd/event", "superd/superd/libwrap", "superd/superd/systemd",
			"superd/superd/control", "superd/superd/ident", "superd/superd/rpcbind", "superd/superd/selinux",
		},
	}
	onlyIn = map[string]string{
		"github.com/hashicorp/hcl":  "superd/superd/config",
		"github.com/zclconf/go-cty": "superd/superd/config",
		"github.com/fsnotify/":      "superd/superd",
		"github.com/spf13/":         "superd/cmd/superd",
	}
)

func TestImportsPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "superd/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		for _, i := range p.Imports {
			if allowed, ruled := mayImport[p.ImportPath]; ruled && strings.HasPrefix(i, "superd/") && !slices.Contains(allowed, i) {
				t.Errorf("%s imports %s: imports point one way, and the leaves know nothing of each other", p.ImportPath, i)
			}
			for prefix, room := range onlyIn {
				if strings.HasPrefix(i, prefix) && p.ImportPath != room {
					t.Errorf("%s imports %s, which is for %s alone", p.ImportPath, i, room)
				}
			}
			if i == "os/exec" && strings.HasPrefix(p.ImportPath, "superd/superd") {
				t.Errorf("%s imports os/exec: only superd/spawn starts programs, and without a thread for each", p.ImportPath)
			}
		}
	}
	if seen < len(mayImport) {
		t.Fatalf("go list named %d packages, fewer than there are rules for", seen)
	}
}
