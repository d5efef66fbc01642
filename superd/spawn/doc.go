// Package spawn starts a program with a descriptor as its 0, 1 and 2, and reaps it. It is the only package that forks.
//
//	Start ── plain ──────────────► fork    on the caller's own thread: the fast path
//	      └─ umask or nice ► pad ► fork    on a thread that wears them (pad_linux.go)
//	                                │
//	                                ├ rlimits: the child stops at exec and gets them before its first instruction
//	                                ▼
//	                              Started ► pidfd into one epoll set ► reaper ► Exited
//
// Each child is known by a pidfd, so that its end is one event that names it, however many others live: wait4(-1)
// would walk all of them each time, and would be given the exec-stops as well. It costs a descriptor for each live
// child, and Linux 5.4.
//
// What a child has: its own session, an empty signal mask and default dispositions, the soft limit of open files the
// daemon was started with, and no descriptor but 0, 1, 2; main calls CleanSignals and CleanDescriptors for that.
package spawn
