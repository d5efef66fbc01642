// Package libwrap reads hosts.allow and hosts.deny and says what they say about a connection: hosts_access(5) and
// hosts_options(5), as Debian's libwrap 7.6.q understands them, without its library.
//
// Parse and Decide are pure: what a rule wants to know and the caller has not said yet (a host's name, the client's user, how
// a command ended) comes back as a Need, and the caller asks again when it knows. Files is the edge to the disk; the kernel tells it of changes (changes.go).
// Nothing here starts a program or talks to a network; an Outcome lists what its rule wants done.
//
// What is different from the library, and why:
//
//   - A name counts as the host's if it leads back to the address, whatever the canonical name of that name is.
//   - user and group are obeyed; Debian's build ignores them outside of tcpdmatch.
//   - @netgroup matches nobody, as on a machine without NIS, and is warned of when the file is read.
//   - A file that cannot be read whole, or is larger than 4 MiB, counts as one with a broken line: in hosts.deny everybody
//     who gets there is denied.
package libwrap
