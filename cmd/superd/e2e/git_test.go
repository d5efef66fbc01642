package e2e

import (
	"os"
	"testing"
)

// TestGit clones from git daemon as an ordinary user, then fetches what has come since.
func TestGit(t *testing.T) {
	needRoot(t)
	git := need(t, "git")
	s := newSite(t)
	// The clients' own settings must not matter; neither must the owner of the repository to the server.
	t.Setenv("HOME", s.mkdir("home", 0, 0))
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	t.Setenv("GIT_TERMINAL_PROMPT", "0")
	for _, key := range []string{"GIT_AUTHOR", "GIT_COMMITTER"} {
		t.Setenv(key+"_NAME", "A U Thor")
		t.Setenv(key+"_EMAIL", "author@example.org")
	}
	work, clone := s.path("srv/project"), s.path("clone")
	commit := func(name string, size int) {
		randomFile(t, work+"/"+name, size)
		client(t, git, "-C", work, "add", name)
		client(t, git, "-C", work, "commit", "-q", "-m", name)
	}
	client(t, git, "init", "-q", "-b", "main", work)
	commit("first", transferSize)

	s.write("srv/project/.git/git-daemon-export-ok", "")
	s.ship("git.hcl", "/usr/bin/git", git, "--base-path=/srv/git", "--base-path=$DIR/srv", "nice        = 5", `nice = 5
  env = [
    "GIT_CONFIG_COUNT=1",
    "GIT_CONFIG_KEY_0=safe.directory",
    "GIT_CONFIG_VALUE_0=*",
  ]`)
	d := s.start()
	client(t, git, "clone", "-q", "git://"+s.at(9418)+"/project", clone)
	sameFile(t, work+"/first", clone+"/first")
	client(t, git, "-C", clone, "fsck", "--strict")

	commit("second", 1000)
	client(t, git, "-C", clone, "fetch", "-q")
	client(t, git, "-C", clone, "merge", "-q", "--ff-only", "origin/main")
	sameFile(t, work+"/second", clone+"/second")

	if out, err := try(git, "ls-remote", "git://"+s.at(9418)+"/nothing-here"); err == nil {
		t.Errorf("a repository that is not there has refs: %s", out)
	}
	if _, err := os.Stat(clone + "/.git"); err != nil {
		t.Error(err)
	}
	d.waitLog(`\bEXIT\b.*\bservice=git\b.*\bstatus=0\b`)
}
