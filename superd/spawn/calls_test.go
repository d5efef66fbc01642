package spawn

import (
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// helperProcess makes calls and returns how that ended; it is sent sig, if not 0.
func helperProcess(t *testing.T, calls []call, sig syscall.Signal) (failed int, err error) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old, err := setMask(&allSignals)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := callInProcess(calls)
	_, _ = setMask(&old)
	if err != nil {
		t.Fatal(err)
	}
	if sig != 0 {
		if err := syscall.Kill(pid, sig); err != nil {
			t.Error(err)
		}
	}
	failed, err = awaitHelper(pid)
	runtime.KeepAlive(calls)
	return failed, err
}

func TestHelperProcess(t *testing.T) {
	var limit unix.Rlimit
	get := call{nr: unix.SYS_PRLIMIT64, b: unix.RLIMIT_CORE} // its own; the old value would be the fourth argument
	set := call{nr: unix.SYS_PRLIMIT64, b: unix.RLIMIT_CORE, c: unsafe.Pointer(&limit)}
	bad := call{nr: unix.SYS_PRLIMIT64, b: 1000, c: unsafe.Pointer(&limit)}
	forever := call{nr: unix.SYS_PPOLL}
	for _, c := range []struct {
		calls  []call
		sig    syscall.Signal
		failed int
		err    error
	}{
		{[]call{get, set, get}, 0, 0, nil},
		{[]call{get, set, bad, get}, 0, 3, syscall.EPERM},
		{[]call{bad, forever}, 0, 1, syscall.EPERM},
		{[]call{set, forever}, syscall.SIGKILL, 0, syscall.EINTR},
		{[]call{set, forever}, syscall.SIGSTOP, 0, syscall.EINTR},
	} {
		if failed, err := helperProcess(t, c.calls, c.sig); failed != c.failed || err != c.err {
			t.Errorf("%v: %d, %v; want %d, %v", c.calls, failed, err, c.failed, c.err)
		}
	}
}
