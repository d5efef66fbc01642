package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"
)

// command runs a client program to its end and returns what it wrote. It fails the test unless the status is 0.
func client(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := try(name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// try is client for goroutines other than the test's.
func try(name string, args ...string) (string, error) {
	const clientTime = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), clientTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s%s", cmd, err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// talk connects, sends text and the end of the stream, and returns the whole answer.
func talk(addr, text string) (string, error) {
	c, err := dial(addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if text != "" {
		if _, err := io.WriteString(c, text); err != nil {
			return "", err
		}
		if err := c.(*net.TCPConn).CloseWrite(); err != nil {
			return "", err
		}
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// dial connects by TCP. Nothing on the connection takes longer than patience.
func dial(addr string) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(patience))
}

func mustDial(t testing.TB, addr string) net.Conn {
	t.Helper()
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// expect fails the test unless addr answers text with want.
func expect(t testing.TB, addr, text, want string) {
	t.Helper()
	if got, err := talk(addr, text); err != nil || got != want {
		t.Fatalf("%s answers %q with %q (%v), not with %q", addr, text, got, err, want)
	}
}

// randomFile fills a file with noise, the same for the same size.
func randomFile(t testing.TB, path string, size int) string {
	t.Helper()
	noise := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)}).Read(noise)
	if err := os.WriteFile(path, noise, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// sameFile fails the test unless both files hold the same.
func sameFile(t testing.TB, want, got string) {
	t.Helper()
	if err := compareFiles(want, got); err != nil {
		t.Fatal(err)
	}
}

func compareFiles(want, got string) error {
	w, err := os.ReadFile(want)
	if err != nil {
		return err
	}
	g, err := os.ReadFile(got)
	if err != nil {
		return err
	}
	if !bytes.Equal(w, g) {
		return fmt.Errorf("%s (%d bytes, %.8x) came as %s (%d bytes, %.8x)", want, len(w), sha256.Sum256(w), got, len(g), sha256.Sum256(g))
	}
	return nil
}
