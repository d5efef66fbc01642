package spawn

import (
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"superd/superd/config"
)

// Names of steps that are not limits.
const (
	stepCapabilities = "capabilities"
	stepSession      = "session"
	stepDescriptors  = "descriptors"
	stepExecContext  = "exec context"
	stepUmask        = "umask"
	stepNice         = "nice"
	stepChroot       = "chroot"
	stepCredentials  = "credentials"
	stepNoNewPrivs   = "no_new_privs"
	stepChdir        = "chdir"
	stepSignals      = "signals"
	stepExec         = "exec"
)

// lay lays out the steps of a child that is to become c's program. Their order matters: what takes the daemon's rights
// stands before the credentials, and those go groups, group, user.
func (b *birth) lay(c *Command, own *inheritance, top int) error {
	p := c.Program
	b.steps, b.names = b.steps[:0], b.names[:0]
	texts, err := b.write(c)
	if err != nil {
		return err
	}
	if hasAmbient {
		b.do(stepCapabilities, unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL)
	}
	b.do(stepSession, unix.SYS_SETSID)
	fd := c.Fd
	if b.narrow { // before anything is done to a descriptor, since the table is the daemon's until then
		b.do(stepDescriptors, unix.SYS_CLOSE_RANGE, uintptr(top+1), uintptr(^uint32(0)), unix.CLOSE_RANGE_UNSHARE)
		fd = b.slot
	}
	b.descriptors(uintptr(fd))
	if c.ExecContext != "" {
		b.execContext(&texts, len(c.ExecContext))
	}
	if p.Umask != own.umask {
		b.do(stepUmask, unix.SYS_UMASK, uintptr(p.Umask))
	}
	if p.Nice != 0 {
		b.do(stepNice, unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, 0, uintptr(min(max(own.nice+p.Nice, -20), 19)))
	}
	b.files(own.files)
	if err := b.limit(p.Rlimits, false); err != nil {
		return err
	}
	if p.Chroot != "" {
		b.do(stepChroot, unix.SYS_CHROOT, b.at(texts.chroot))
	}
	if p.Credential != nil {
		b.become(p.Credential)
	}
	if err := b.limit(p.Rlimits, true); err != nil {
		return err
	}
	if p.NoNewPrivs {
		b.do(stepNoNewPrivs, unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1)
	}
	b.do(stepChdir, unix.SYS_CHDIR, b.at(texts.dir))
	b.signals()
	b.do(stepExec, unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&b.clock)))
	b.do(stepExec, unix.SYS_EXECVE, b.at(texts.path), b.word(texts.argv), b.word(texts.envp))
	return nil
}

// texts says where things are in a birth's text and words.
type texts struct{ path, dir, chroot, argv, envp, attr, label uintptr }

// write fills the birth's text and words.
func (b *birth) write(c *Command) (t texts, err error) {
	p := c.Program
	b.text, b.words = b.text[:0], b.words[:0]
	t.path, t.dir, t.chroot = b.add(p.Path), b.add(directory(p)), b.add(p.Chroot)
	if c.ExecContext != "" {
		t.attr, t.label = b.add(execAttr), b.add(c.ExecContext)
	}
	t.argv = b.list(arguments(p))
	t.envp = b.list(p.Env, c.Env)
	for i, w := range b.words {
		if w != end {
			b.words[i] = b.at(w)
		} else {
			b.words[i] = 0
		}
	}
	switch {
	case nul(c.ExecContext), len(c.ExecContext) > longestContext:
		return t, &Error{stepExecContext, c.ExecContext, syscall.EINVAL}
	case nul(p.Chroot):
		return t, &Error{stepChroot, p.Chroot, syscall.EINVAL}
	case nul(directory(p)):
		return t, &Error{stepChdir, p.Dir, syscall.EINVAL}
	case nul(p.Path), nul(arguments(p)...), nul(p.Env...), nul(c.Env...):
		return t, &Error{stepExec, p.Path, syscall.EINVAL}
	}
	return t, nil
}

// end stands for the end of a list among offsets.
const end = ^uintptr(0)

// list adds the strings of some lists as one, and returns where its words begin.
func (b *birth) list(lists ...[]string) (offset uintptr) {
	offset = uintptr(len(b.words))
	for _, l := range lists {
		for _, s := range l {
			b.words = append(b.words, b.add(s))
		}
	}
	b.words = append(b.words, end)
	return offset
}

func (b *birth) word(i uintptr) uintptr { return uintptr(unsafe.Pointer(&b.words[i])) }

func nul(list ...string) bool {
	for _, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			return true
		}
	}
	return false
}

func arguments(p *config.Program) []string {
	if len(p.Args) == 0 {
		return []string{p.Path}
	}
	return p.Args
}

func directory(p *config.Program) string {
	if p.Dir == "" {
		return "/"
	}
	return p.Dir
}

// descriptors makes fd 0, 1 and 2. dup3(2) does not take a descriptor to itself.
func (b *birth) descriptors(fd uintptr) {
	for to := range uintptr(3) {
		if to == fd {
			b.do(stepDescriptors, unix.SYS_FCNTL, fd, unix.F_SETFD, 0)
		} else {
			b.do(stepDescriptors, unix.SYS_DUP3, fd, to, 0)
		}
	}
}

// execAttr is where a thread tells SELinux what its next exec makes of it. It stays with the thread until then,
// through every change of its ids.
var execAttr = "/proc/thread-self/attr/exec" // a constant but for tests

// longestContext is as much as the kernel takes at once: a page, with the NUL.
const longestContext = 4095

// execContext stands while the daemon's root and rights are still there. A step cannot use what another has returned, so the
// file is opened where its number is known: 0, which the descriptors leave free for it when it is closed, and get back after.
func (b *birth) execContext(t *texts, length int) {
	b.do(stepExecContext, unix.SYS_CLOSE, 0)
	// What the path would be relative to does not matter: it is absolute.
	b.do(stepExecContext, unix.SYS_OPENAT, 0, b.at(t.attr), unix.O_WRONLY|unix.O_CLOEXEC)
	b.do(stepExecContext, unix.SYS_WRITE, 0, b.at(t.label), uintptr(length)+1)
	b.do(stepExecContext, unix.SYS_DUP3, 1, 0, 0)
}

// become takes the identity. 32-bit x86 and ARM have system calls for 16-bit ids under the plain names.
func (b *birth) become(who *config.Credential) {
	setgroups, setgid, setuid := uintptr(unix.SYS_SETGROUPS), uintptr(unix.SYS_SETGID), uintptr(unix.SYS_SETUID)
	if runtime.GOARCH == "386" || runtime.GOARCH == "arm" {
		setgroups, setgid, setuid = 206, 214, 213
	}
	b.groups = append(b.groups[:0], who.Groups...)
	first := uintptr(0)
	if len(b.groups) > 0 {
		first = uintptr(unsafe.Pointer(&b.groups[0]))
	}
	b.do(stepCredentials, setgroups, uintptr(len(b.groups)), first)
	b.do(stepCredentials, setgid, uintptr(who.Gid))
	b.do(stepCredentials, setuid, uintptr(who.Uid))
}

type resource struct {
	name, step string
	number     uintptr
}

// resources are what can be limited, by config.Rlimit's names.
var resources = [...]resource{
	{"as", "rlimit_as", unix.RLIMIT_AS},
	{"cpu", "rlimit_cpu", unix.RLIMIT_CPU},
	{"data", "rlimit_data", unix.RLIMIT_DATA},
	{"files", "rlimit_files", unix.RLIMIT_NOFILE},
	{"rss", "rlimit_rss", unix.RLIMIT_RSS},
	{"stack", "rlimit_stack", unix.RLIMIT_STACK},
	{"core", "rlimit_core", unix.RLIMIT_CORE},
	{"fsize", "rlimit_fsize", unix.RLIMIT_FSIZE},
	{"nproc", "rlimit_nproc", unix.RLIMIT_NPROC},
}

// files gives the soft limit of open files back, which the daemon has raised for itself.
func (b *birth) files(soft uint64) {
	if unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &b.nofile) == nil && b.nofile.Cur > soft {
		b.nofile.Cur = soft
		b.do("rlimit_files", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(&b.nofile)))
	}
}

// limit sets the limits that stand before the credentials, or the one that stands after them: a user who has more
// processes than nproc already could not exec once setuid(2) has noticed.
func (b *birth) limit(limits []config.Rlimit, afterCredentials bool) error {
	for _, l := range limits {
		i := slices.IndexFunc(resources[:], func(r resource) bool { return r.name == l.Name })
		if i < 0 {
			return &Error{"rlimit_" + l.Name, "", syscall.EINVAL}
		}
		b.limits[i] = unix.Rlimit{Cur: l.Value, Max: l.Value}
		if late := l.Name == "nproc" && !raises(&b.limits[i]); late == afterCredentials {
			b.do(resources[i].step, unix.SYS_PRLIMIT64, 0, resources[i].number, uintptr(unsafe.Pointer(&b.limits[i])))
		}
	}
	return nil
}

// raises reports whether a limit of processes takes privileges.
func raises(l *unix.Rlimit) bool {
	var now unix.Rlimit
	return unix.Prlimit(0, unix.RLIMIT_NPROC, nil, &now) == nil && l.Max > now.Max
}

var (
	noSignals  unix.Sigset_t
	allSignals = func() (set unix.Sigset_t) {
		for i := range set.Val {
			set.Val[i] = ^set.Val[i]
		}
		return set
	}()
	defaultAction [8]uint64 // the kernel's struct sigaction with SIG_DFL, on every processor
)

// sigsetSize is how many bytes a set of signals has for the kernel, one bit for each.
var sigsetSize = func() uintptr {
	if strings.HasPrefix(runtime.GOARCH, "mips") {
		return 16
	}
	return 8
}()

// signals empties the mask, and before that makes all dispositions default if the clone has not: a handler of the
// daemon's must not run in the child.
func (b *birth) signals() {
	if oldClone.Load() {
		for s := 1; s <= min(int(8*sigsetSize), 127); s++ {
			if s != int(syscall.SIGKILL) && s != int(syscall.SIGSTOP) {
				b.do(stepSignals, unix.SYS_RT_SIGACTION, uintptr(s), uintptr(unsafe.Pointer(&defaultAction)), 0, sigsetSize)
			}
		}
	}
	b.do(stepSignals, unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&noSignals)), 0, sigsetSize)
}
