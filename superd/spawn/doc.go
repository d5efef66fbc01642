// Package spawn starts a program with a descriptor as its 0, 1 and 2, and reaps it.
// The pads and the one reaper live here; it is the only package that forks.
package spawn
