package services

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// asked is what MuxName makes of what a client sends in these parts, and what it leaves unread.
func asked(t *testing.T, parts ...string) (name, rest string, err error) {
	t.Helper()
	client, server := pair(t, "tcp4", "127.0.0.1:0")
	server.SetReadDeadline(time.Now().Add(20 * time.Second))
	type answer struct {
		name string
		err  error
	}
	done := make(chan answer, 1)
	go func() {
		name, err := MuxName(server)
		done <- answer{name, err}
	}()
	client.SetNoDelay(true)
	for _, part := range parts {
		client.Write([]byte(part))
		time.Sleep(5 * time.Millisecond) // so that parts mostly arrive as parts; nothing depends on it
	}
	client.CloseWrite()
	a := <-done
	left, _ := io.ReadAll(server)
	return a.name, string(left), a.err
}

// The line ends where it ends, however it arrives, and what follows belongs to the service.
func TestMuxNameTakesNothingElse(t *testing.T) {
	for _, c := range []struct {
		parts      []string
		name, rest string
	}{
		{[]string{"ftp\r\n"}, "ftp", ""},
		{[]string{"ftp\n"}, "ftp", ""},
		{[]string{"FTP\r\nUSER bob\r\n"}, "FTP", "USER bob\r\n"},
		{[]string{"f", "t", "p", "\r", "\n", "x"}, "ftp", "x"},
		{[]string{"ft", "p\r\nrest\x00\n\n"}, "ftp", "rest\x00\n\n"},
		{[]string{"ftp\r", "\n\r\n"}, "ftp", "\r\n"},
		{[]string{"\r\n"}, "", ""},
		{[]string{" ftp \r\n"}, " ftp ", ""},
		{[]string{"f\x00tp\r\n"}, "f\x00tp", ""},
		{[]string{strings.Repeat("a", muxMost-2) + "\r\nb"}, strings.Repeat("a", muxMost-2), "b"},
	} {
		if name, rest, err := asked(t, c.parts...); err != nil || name != c.name || rest != c.rest {
			t.Errorf("%q: %q and %q, %v", c.parts, name, rest, err)
		}
	}
}

func TestMuxNameBounds(t *testing.T) {
	for _, part := range []string{strings.Repeat("a", muxMost), strings.Repeat("a", 1<<20)} {
		if name, _, err := asked(t, part); !errors.Is(err, errTooLong) || name != "" {
			t.Errorf("%d bytes without an end: %.20q, %v", len(part), name, err)
		}
	}
	for _, part := range []string{"", "ftp", "ftp\r"} {
		if name, _, err := asked(t, part); !errors.Is(err, io.ErrUnexpectedEOF) || name != "" {
			t.Errorf("%q and the end: %q, %v", part, name, err)
		}
	}
}

// FuzzMuxName: whatever is sent, name and rest together are what was sent.
func FuzzMuxName(f *testing.F) {
	f.Add("ftp\r\nrest", 3)
	f.Add("\n\n", 0)
	f.Add(strings.Repeat("x", 300), 299)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		cut = min(max(cut, 0), len(text))
		client, server := pair(t, "tcp4", "127.0.0.1:0")
		defer client.Close()
		defer server.Close()
		client.Write([]byte(text[:cut]))
		client.Write([]byte(text[cut:]))
		client.CloseWrite()
		name, err := MuxName(server)
		line, rest, whole := strings.Cut(text, "\n")
		if fits := whole && len(line) < muxMost; fits != (err == nil) {
			t.Fatalf("%q: %q, %v", text, name, err)
		}
		if err != nil {
			return
		}
		left, _ := io.ReadAll(server)
		if name != strings.TrimSuffix(line, "\r") || string(left) != rest {
			t.Errorf("%q: %q and %q", text, name, left)
		}
	})
}

// What a client reads is this, to the byte: xinetd sends a NUL behind it.
func TestMuxAnswers(t *testing.T) {
	for sent, want := range map[string]string{
		"ftp\r\n":                "-Service name not found\r\n",
		"help\r\n":               "",
		strings.Repeat("a", 300): "-Service name too long\r\n",
		"ftp":                    "",
	} {
		c, done := serve4(t, "tcpmux")
		c.Write([]byte(sent))
		c.CloseWrite()
		if got, err := io.ReadAll(c); err != nil || string(got) != want {
			t.Errorf("%.20q: got %q, %v", sent, got, err)
		}
		select {
		case err := <-done:
			if err != nil && !errors.Is(err, errTooLong) {
				t.Errorf("%.20q: %v", sent, err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("it goes on")
		}
	}
	server, client := net.Pipe()
	defer client.Close()
	go func() { MuxHelp(server, []string{"a", "B"}); server.Close() }()
	if got, _ := io.ReadAll(client); string(got) != "a\r\nB\r\n" {
		t.Errorf("help is %q", got)
	}
}
