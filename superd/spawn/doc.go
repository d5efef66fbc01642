// Package spawn starts a program with a descriptor as its 0, 1 and 2, and reaps it. It is the only package that forks.
//
//	Start ► lay out the child's steps ► fork ► the child takes them: session, descriptors, umask, nice, limits,
//	        │                                   chroot, credentials, directory, signals, exec
//	        ▼ when it has become its program, or says at which step it failed
//	      Started ► pidfd into one epoll set ► reaper ► Exited
//
// Start waits for all of it. Launch returns after the fork, and whoever comes by tells how it went on (launch_linux.go).
//
// The steps are a list of system calls (lay_linux.go), which a child that shares the daemon's memory works off in a few lines of
// assembly (fork_linux_*.s); where there is none it is a copy of the daemon (copyfork_linux.go). It shares the daemon's
// table of descriptors, too, until its first step (slot_linux.go). So everything that a program asks for, limits
// included, costs a system call, and nothing is tried out on a thread of the daemon.
//
// Each child is known by a pidfd, so that its end is one event that names it, however many others live: wait4(-1)
// would walk all of them each time, and would be given the exec-stops as well. It costs a descriptor for each live
// child, and Linux 5.4.
//
// What a child has: its own session, an empty signal mask and default dispositions, the soft limit of open files the
// daemon was started with, and no descriptor but 0, 1, 2; main calls CleanSignals and CleanDescriptors for that.
package spawn
