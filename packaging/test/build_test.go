package test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestBuild makes everything twice, the second time from a copy of the tree in another folder, by somebody with another umask,
// time zone and language, and finds the same bytes.
func TestBuild(t *testing.T) {
	if !demanded {
		t.Skip("builds everything twice: SUPERD_E2E=1")
	}
	need(t, "rpmbuild")
	first, second, copied := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "elsewhere")
	run(t, "sh", "-c", `mkdir "$1" && cd ../.. && git ls-files -z --cached --others --exclude-standard | xargs -0 tar cf - | tar xf - -C "$1"`, "sh", copied)
	epoch := "SOURCE_DATE_EPOCH=" + strings.TrimSpace(run(t, "git", "log", "-1", "--format=%ct"))
	one := exec.Command("../build.sh", first)
	one.Env = append(os.Environ(), epoch)
	two := exec.Command("sh", "-c", `umask 077; exec "$0" "$1"`, filepath.Join(copied, "packaging", "build.sh"), second)
	two.Env = append(os.Environ(), epoch, "TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8")
	for _, cmd := range []*exec.Cmd{one, two} {
		if out, err := try(cmd); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	made, err := os.ReadDir(first)
	if err != nil || len(made) != 6 {
		t.Fatalf("made %v, %v; want a deb, an rpm and an archive for each of two architectures", made, err)
	}
	for _, file := range made {
		a, errA := os.ReadFile(filepath.Join(first, file.Name()))
		b, errB := os.ReadFile(filepath.Join(second, file.Name()))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", file.Name(), errA, errB)
		}
	}
	for _, arch := range []string{"arm64", "amd64"} {
		checkDeb(t, glob(t, first, "superd_*_"+arch+".deb"))
	}
	checkRPM(t, glob(t, first, "*.x86_64.rpm"))
	checkRPM(t, glob(t, first, "*.aarch64.rpm"))
	archive := run(t, "tar", "-tzf", glob(t, first, "superd-*-linux-arm64.tar.gz"))
	for _, file := range []string{"/usr/sbin/superd", "/etc/superd/superd.hcl", "/COPYRIGHT", "/examples/openrc/superd", "/examples/sysv/superd"} {
		if !strings.Contains(archive, file+"\n") {
			t.Errorf("the archive lacks %s", file)
		}
	}
}

func glob(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	return found[0]
}

func checkDeb(t *testing.T, path string) {
	t.Helper()
	if out, err := try(exec.Command(need(t, "lintian"), "--allow-root", "--fail-on=error,warning", path)); err != nil || out != "" {
		t.Errorf("lintian: %v\n%s", err, out)
	}
	list := run(t, "dpkg-deb", "-c", path)
	for _, entry := range strings.Split(strings.TrimSpace(list), "\n") {
		if !strings.Contains(entry, " root/root ") || regexp.MustCompile(`^-....w|^-.......w|^d....w|^d.......w`).MatchString(entry) {
			t.Errorf("whose and for whom is %s", entry)
		}
	}
	conffiles := run(t, "dpkg-deb", "-I", path, "conffiles")
	for _, m := range regexp.MustCompile(`(?m)^-.* \.(/etc/\S+)$`).FindAllStringSubmatch(list, -1) {
		if !strings.Contains(conffiles, m[1]+"\n") {
			t.Errorf("%s is no conffile", m[1])
		}
	}
}

func checkRPM(t *testing.T, path string) {
	t.Helper()
	out, err := try(exec.Command(need(t, "rpmlint"), "-c", "../rpm/rpmlint.toml", path))
	if err != nil || !strings.Contains(out, " 0 errors, 0 warnings") {
		t.Errorf("rpmlint: %v\n%s", err, out)
	}
	if config := run(t, "rpm", "-qpc", path); !strings.Contains(config, "/etc/superd/superd.hcl\n") || !strings.Contains(config, "/etc/superd/conf.d/ssh.hcl\n") {
		t.Errorf("configuration files: %s", config)
	}
}

// TestEveryDependencyIsInTheCopyright compares it with what the binary itself says it is made of.
func TestEveryDependencyIsInTheCopyright(t *testing.T) {
	root := t.TempDir()
	run(t, "dpkg-deb", "-x", deb(t, newVersion), root)
	copyright, err := os.ReadFile(filepath.Join(root, "usr/share/doc/superd/copyright"))
	if err != nil {
		t.Fatal(err)
	}
	modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(run(t, "go", "version", "-m", filepath.Join(root, "usr/sbin/superd")), -1)
	if len(modules) < 5 {
		t.Fatalf("modules: %q", modules)
	}
	for _, m := range modules {
		if !bytes.Contains(copyright, []byte("\n"+m[1]+" "+m[2]+": ")) {
			t.Errorf("the copyright lacks %s %s", m[1], m[2])
		}
	}
	if !bytes.Contains(copyright, []byte("Copyright 2009 The Go Authors")) && !bytes.Contains(copyright, []byte("Copyright (c) 2009 The Go Authors")) {
		t.Error("the copyright lacks Go itself")
	}
	if out := run(t, filepath.Join(root, "usr/sbin/superd"), "version"); !strings.HasPrefix(out, "superd "+newVersion+" ") {
		t.Errorf("its version is %s", out)
	}
}

// TestCompletions: each shell takes its file, and completes a verb and an option.
func TestCompletions(t *testing.T) {
	root := t.TempDir()
	run(t, "dpkg-deb", "-x", deb(t, newVersion), root)
	share := filepath.Join(root, "usr/share")
	path := "PATH=" + filepath.Join(root, "usr/sbin") + ":" + os.Getenv("PATH")
	for shell, script := range map[string]string{
		"bash": `. /usr/share/bash-completion/bash_completion; . "$0/bash-completion/completions/superd"
			complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=(); __start_superd; printf '%s\n' "${COMPREPLY[@]}"; }
			complete_it superd che; complete_it superd run --pid`,
		"zsh": `fpath=("$0/zsh/vendor-completions" $fpath); autoload -Uz compinit; compinit -u -D
			_describe() { print -l -- $completions }
			[[ $_comps[superd] = _superd ]] || exit 1
			words=(superd che); CURRENT=2; _superd; words=(superd run --pid); CURRENT=3; _superd`,
		"fish": `source $argv[1]/fish/vendor_completions.d/superd.fish; complete -C 'superd che'; complete -C 'superd run --pid'`,
	} {
		args := []string{"-c", script, share}
		if shell == "bash" || shell == "zsh" {
			args = append([]string{"-f"}, args...)
		}
		if shell == "bash" {
			args[0] = "--norc"
		}
		cmd := exec.Command(need(t, shell), args...)
		cmd.Env = append(os.Environ(), path, "HOME="+t.TempDir())
		out, err := try(cmd)
		if err != nil || !strings.Contains(out, "check") || !strings.Contains(out, "--pid-file") {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
