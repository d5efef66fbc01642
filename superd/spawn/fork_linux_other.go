//go:build linux && !amd64 && !arm64

package spawn

func fork(nr uintptr, args *[5]uintptr, steps *step, n uintptr, failed *failure) (pid int) {
	return copyfork(nr, args, steps, n, failed)
}

const alwaysCopied = true
