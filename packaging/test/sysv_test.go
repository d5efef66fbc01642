package test

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// anInit is a process 1 that is no service manager: it reaps.
var anInit = []string{"sh", "-c", "while :; do sleep 1000 & wait; done"}

// scriptServices log to a file, which there is somebody to read.
var scriptServices = strings.Replace(services, "defaults {", "defaults {\n  log_type = \"FILE /var/log/superd/superd.log\"", 1) + "include = [\"conf.d/*.hcl\"]\n"

// TestSysV is the life of the package where no systemd runs: the init script in Debian's sh, by invoke-rc.d and by hand.
func TestSysV(t *testing.T) {
	first, second := deb(t, oldVersion), deb(t, newVersion)
	m := boot(t, "bookworm", anInit...)
	// What sysvinit would have noted at boot, without which invoke-rc.d starts nothing.
	m.sh(`printf '#!/bin/sh\necho N 2\n' >/sbin/runlevel.new && chmod 755 /sbin/runlevel.new && mv /sbin/runlevel.new /sbin/runlevel`)
	m.sh("dpkg -i " + m.bring(first))
	const script = "/etc/init.d/superd "
	if out := m.sh(script + "status"); !strings.HasPrefix(out, "superd runs, process ") {
		t.Errorf("status: %s", out)
	}
	m.sh("start-stop-daemon --status --pidfile /run/superd.pid --exec /usr/sbin/superd")
	if date := m.answer(13); !strings.Contains(date, "20") {
		t.Errorf("daytime says %q", date)
	}
	m.write("/etc/superd/superd.hcl", "# edited\n"+scriptServices)
	m.sh(script + "reload")
	eventually(t, "the reload is in force", func() bool {
		c, err := m.dial(7007)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})

	// A mistake fails reload and restart, and costs nothing.
	pid := m.sh("cat /run/superd.pid")
	m.write("/etc/superd/conf.d/broken.hcl", "nonsense")
	for _, verb := range []string{"reload", "restart"} {
		if out := m.sh("set +e; " + script + verb + " 2>&1; test $? -eq 6"); !strings.Contains(out, "broken.hcl:1") {
			t.Errorf("%s says %s", verb, out)
		}
	}
	m.sh("rm /etc/superd/conf.d/broken.hcl; test $(cat /run/superd.pid) = " + pid)
	m.sh(script + "start") // runs already
	m.sh("test $(cat /run/superd.pid) = " + pid)

	// Logs are rotated, and the new file is written to.
	m.answer(7007)
	eventually(t, "the log is written", func() bool {
		_, err := m.try("grep -q 'EXIT service=greet' /var/log/superd/superd.log")
		return err == nil
	})
	m.sh("logrotate --force /etc/logrotate.d/superd && test -e /var/log/superd/superd.log.1")
	m.answer(7007)
	eventually(t, "the new log is written", func() bool {
		_, err := m.try("grep -q 'EXIT service=greet' /var/log/superd/superd.log")
		return err == nil
	})

	// An upgrade: another daemon, the same session, what was edited.
	s := m.session(7008)
	m.sh("dpkg -i " + m.bring(second))
	m.sh("test $(cat /run/superd.pid) != " + pid + " && head -n 1 /etc/superd/superd.hcl | grep -qx '# edited'")
	if v := m.sh("/proc/$(cat /run/superd.pid)/exe version"); !strings.HasPrefix(v, "superd "+newVersion+" ") {
		t.Errorf("after the upgrade %s runs", v)
	}
	s.goesOn("a session after the upgrade")
	s.end()

	// Killed, it leaves a pid file that deceives nobody; stopped, it is gone.
	m.sh("kill -KILL $(cat /run/superd.pid); while kill -0 $(cat /run/superd.pid) 2>/dev/null; do sleep 0.1; done")
	m.sh("set +e; " + script + "status; test $? -eq 1")
	m.sh("echo 1 >/run/superd.pid; set +e; " + script + "stop; test $? -eq 0; kill -0 1")
	m.sh(script + "start && " + script + "try-restart && " + script + "status")
	m.sh(script + "stop; set +e; " + script + "status; test $? -eq 3")
	m.sh(script + "try-restart; set +e; " + script + "nonsense; test $? -eq 2")
	m.sh("start-stop-daemon --start --pidfile /run/superd.pid --exec /usr/sbin/superd -- run --daemon --pid-file /run/superd.pid")
	m.sh("start-stop-daemon --stop --retry TERM/20/KILL/5 --remove-pidfile --pidfile /run/superd.pid --exec /usr/sbin/superd")
	m.sh(script + "start && dpkg -r superd")
	if c, err := m.dial(13); err == nil {
		_ = c.Close()
		t.Error("a port is open though superd is removed")
	}
	m.sh("dpkg -P superd")
	if left := m.sh("find / -xdev -name '*superd*' -not -path '/proc/*' -not -path '/tmp/*' -not -path '/sys/*'"); left != "" {
		t.Errorf("left after the purge:\n%s", left)
	}
}

// TestOpenRC runs the script by Debian's OpenRC, unpacked into a machine that has nothing to do with it.
func TestOpenRC(t *testing.T) {
	first := deb(t, oldVersion)
	m := boot(t, "bookworm", anInit...)
	for _, p := range []string{"openrc", "libeinfo1", "librc1"} {
		root := filepath.Join(folder(), p)
		if _, err := try(limited(t, "sh", "-c", `tar -C "$0" --exclude=.complete -cf - . | nsenter -t "$1" -m -r -w tar -C / --keep-directory-symlink --no-same-owner -xf -`, root, strconv.Itoa(m.pid))); err != nil {
			lack(t, "no %s (packaging/install-test-programs.sh): %v", p, err)
		}
	}
	// The package's files, and none of its scripts.
	m.sh("dpkg-deb --fsys-tarfile " + m.bring(first) + " | tar -C / --keep-directory-symlink -xf - && ldconfig && rm -f /etc/init.d/superd && cp /usr/share/doc/superd/examples/openrc/superd /etc/init.d/superd && mkdir -p /etc/conf.d && mv /etc/default/superd /etc/conf.d/superd")
	m.sh("for d in daemons exclusive failed hotplugged inactive options scheduled started starting stopping tmp wasinactive; do mkdir -p /run/openrc/$d; done; touch /run/openrc/softlevel")
	// What it needs and uses is taken to be there.
	m.sh(`for s in net logger; do printf '#!/sbin/openrc-run\ndepend() { :; }\nstart() { :; }\n' >/etc/init.d/$s; chmod 755 /etc/init.d/$s; done`)
	m.write("/etc/superd/superd.hcl", scriptServices)
	m.sh("install -d -m 750 /var/log/superd")
	t.Log(m.sh("rc-service --ifexists superd start 2>&1"))
	eventually(t, "superd serves", func() bool { c, err := m.dial(7007); return err == nil && c.Close() == nil })
	if out := m.sh("rc-service superd status 2>&1"); !strings.Contains(out, "started") {
		t.Errorf("status: %s", out)
	}

	// What fails is started again.
	killed := m.sh("pgrep -x superd")
	m.sh("kill -KILL " + killed)
	eventually(t, "it is started again", func() bool {
		now, err := m.try("pgrep -x superd")
		return err == nil && strings.TrimSpace(now) != killed
	})
	eventually(t, "superd serves again", func() bool { c, err := m.dial(7007); return err == nil && c.Close() == nil })

	m.write("/etc/superd/conf.d/broken.hcl", "nonsense")
	pid := m.sh("pgrep -x superd")
	for _, verb := range []string{"reload", "restart", "checkconfig"} {
		if out := m.fails("rc-service superd " + verb); !strings.Contains(out, "broken.hcl:1") {
			t.Errorf("%s says %s", verb, out)
		}
	}
	if now := m.sh("pgrep -x superd"); now != pid {
		t.Errorf("a mistake has cost the daemon: %s is %s", pid, now)
	}
	m.sh("rm /etc/superd/conf.d/broken.hcl")
	m.sh("sed -i 's/7007/7017/' /etc/superd/superd.hcl && rc-service superd reload")
	eventually(t, "the reload is in force", func() bool { c, err := m.dial(7017); return err == nil && c.Close() == nil })
	m.sh("rc-service superd stop")
	m.fails("pgrep -x superd")
}
