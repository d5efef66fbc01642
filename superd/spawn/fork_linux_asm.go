//go:build linux && (amd64 || arm64)

package spawn

// fork makes the clone(2) or clone3(2) that nr and args say, with CLONE_VM, and returns the child's pid or a negative error
// number, in the parent only. The child takes the steps, of which the last should be an exec, and exits with 127 if
// there is no more or one fails, which it notes in failed.
//
// All signals must be blocked on this thread. The child shares the daemon's memory, and what the steps need must stay
// until it is done: copying it, as fork(2) does, costs milliseconds.
//
//go:noescape
func fork(nr uintptr, args *[5]uintptr, steps *step, n uintptr, failed *failure) (pid int)

// alwaysCopied says that there is only copyfork.
const alwaysCopied = false
