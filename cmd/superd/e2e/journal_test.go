package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// machineID gives the mount namespace a machine-id(5) if the machine has none; journald writes nothing without.
const machineID = `{ [ -s /etc/machine-id ] || { cp -a /etc $DIR/etc &&
echo 0123456789abcdef0123456789abcdef >$DIR/etc/machine-id && mount --bind $DIR/etc /etc; }; }`

// TestJournal sends events to a real journald, in a /run of its own, and asks journalctl for their fields.
func TestJournal(t *testing.T) {
	s := newSite(t)
	journald := needUnpacked(t, "systemd/lib/systemd/systemd-journald")
	journalctl := needUnpacked(t, "systemd/bin/journalctl")
	libraries := "LD_LIBRARY_PATH=" + strings.Join(systemdLibraries(t, journald), ":")
	s.mkdir("run", 0, 0)
	s.config(helloLoggedTo(t, s, "JOURNAL"))
	d := s.launch(s.commandAfter(machineID + ` && mount -t tmpfs run $DIR/run && mkdir -p $DIR/run/systemd/journal $DIR/run/log/journal && mount --rbind $DIR/run /run &&
(env ` + libraries + ` ` + journald + ` & echo $! >$DIR/logd.pid) && until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done`))
	killLater(t, s.path("logd.pid"))
	expect(t, s.at(7007), "", "hello\n")
	d.waitLog(`\bREADY\b`)

	read := func() (events map[string]map[string]string) {
		events = map[string]map[string]string{}
		cmd := exec.Command("nsenter", "-t", strconv.Itoa(d.pid), "-m", journalctl, "-D", "/run/log/journal", "-o", "json", "SUPERD_SERVICE=hello")
		cmd.Env = append(os.Environ(), libraries)
		out, _ := cmd.Output() // fails while there is no such event yet
		for decoder := json.NewDecoder(strings.NewReader(string(out))); decoder.More(); {
			var fields map[string]string
			if err := decoder.Decode(&fields); err != nil {
				t.Fatalf("%v in %s", err, out)
			}
			events[fields["SUPERD_EVENT"]] = fields
		}
		return events
	}
	var events map[string]map[string]string
	eventually(t, patience, "journald has START and EXIT", func() bool {
		events = read()
		return events["START"] != nil && events["EXIT"] != nil
	})
	for event, wanted := range map[string]map[string]string{
		"START": {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "superd", "SUPERD_CONN": "1", "SUPERD_FROM": "127.0.0.1"},
		"EXIT":  {"SUPERD_STATUS": "0", "SUPERD_CONN": "1"},
	} {
		for field, value := range wanted {
			if got := events[event][field]; got != value {
				t.Errorf("%s of %s is %q, not %q", field, event, got, value)
			}
		}
	}
	if pid := events["START"]["SUPERD_PID"]; pid == "" || pid != events["EXIT"]["SUPERD_PID"] {
		t.Errorf("START has the pid %q, EXIT %q", pid, events["EXIT"]["SUPERD_PID"])
	}
}

// systemdLibraries are the folders of the libraries that were unpacked beside journald.
func systemdLibraries(t *testing.T, journald string) []string {
	t.Helper()
	folder := strings.TrimSuffix(journald, "/systemd/lib/systemd/systemd-journald")
	var all []string
	for _, pattern := range []string{"libsystemd*/usr/lib/*-linux-gnu*", "libsystemd*/usr/lib/*-linux-gnu*/systemd"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		lack(t, "no libsystemd beside %s (packaging/install-test-programs.sh)", journald)
	}
	return all
}
