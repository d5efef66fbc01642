// Package labeled holds the tests of the flag LABELED that need a kernel with SELinux: as process 1 of a virtual machine,
// which TestLabeled of packaging/test boots. Anywhere else they skip.
package labeled
