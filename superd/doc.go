// Package superd is the supervisor: it makes the running services equal the config.
package superd
