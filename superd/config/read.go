package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

const (
	maxFile   = 8 << 20  // bytes of one file of the configuration
	maxBanner = 16 << 10 // bytes of a banner
)

var (
	errNotRegular = errors.New("is not a regular file")
	errTooLarge   = errors.New("is too large")
)

// readRegular reads a whole file of at most limit bytes. It does not wait for a fifo or touch a device.
func readRegular(path string, limit int64) ([]byte, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	// Between the two calls the file may have become another one, hence O_NONBLOCK and the second look.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are read", errTooLarge, info.Size(), limit)
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		return nil, fmt.Errorf("%w: at most %d bytes are read", errTooLarge, limit)
	}
	return text, err
}

// because is an error's reason without the path and the call, which the sentence around it names.
func because(err error) string {
	if errors.Is(err, os.ErrNotExist) {
		return "there is no such file"
	}
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
