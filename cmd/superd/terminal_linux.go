package main

import (
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// terminal is the whole screen, in raw mode. Each open needs one close.
type terminal struct {
	in, out *os.File
	before  unix.Termios
	keys    chan key // closed when no more can come
}

// openTerminal takes the screen over; an error if one of the files is no terminal.
func openTerminal(in, out *os.File) (*terminal, error) {
	t := &terminal{in: in, out: out, keys: make(chan key)}
	if _, err := unix.IoctlGetTermios(int(out.Fd()), unix.TCGETS); err != nil {
		return nil, err
	}
	mode, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	if term := os.Getenv("TERM"); term == "" || term == "dumb" {
		return nil, errors.New("the terminal moves no cursor")
	}
	t.before = *mode
	mode.Iflag &^= unix.IXON | unix.ICRNL | unix.INLCR | unix.IGNCR | unix.ISTRIP
	mode.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	mode.Cc[unix.VMIN], mode.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(int(in.Fd()), unix.TCSETS, mode); err != nil {
		return nil, err
	}
	_, _ = out.WriteString("\x1b[?1049h\x1b[?25l") // another screen, no cursor; if it fails, so does drawing
	go t.read()
	return t, nil
}

// read is over when the terminal hangs up, or at the end of the program.
func (t *terminal) read() {
	defer close(t.keys)
	b := make([]byte, 256)
	for {
		n, err := t.in.Read(b)
		for rest := b[:n]; len(rest) > 0; {
			k, used := nextKey(rest)
			t.keys <- k
			rest = rest[used:]
		}
		if err != nil {
			return
		}
	}
}

func (t *terminal) size() (width, height int) {
	w, err := unix.IoctlGetWinsize(int(t.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24
	}
	return int(w.Col), int(w.Row)
}

// draw replaces the screen, in one write so that it does not flicker.
func (t *terminal) draw(lines []string) error {
	_, err := t.out.WriteString("\x1b[H" + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K\x1b[J")
	return err
}

// close gives the screen back as it was.
func (t *terminal) close() {
	_, _ = t.out.WriteString("\x1b[?25h\x1b[?1049l") // nobody is left to tell
	_ = unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, &t.before)
}
