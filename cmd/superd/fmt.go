package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"superd/superd/config"
)

func fmtCommand() *cobra.Command {
	var write, showDiff bool
	c := &cobra.Command{
		Use:   "fmt [FILE…]",
		Short: "format configuration files",
		Long: `Fmt prints the files, or standard input, in canonical layout. With -w it rewrites the files that differ,
with -d it prints what it would change and exits 1 if that is anything.`,
		RunE: func(c *cobra.Command, args []string) error {
			if write && showDiff {
				return usageError{errors.New("fmt: -w and -d exclude each other")}
			}
			if len(args) == 0 {
				if write {
					return usageError{errors.New("fmt: -w needs a file")}
				}
				args = []string{"-"}
			}
			return formatAll(c, args, write, showDiff)
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "rewrite the files in place")
	c.Flags().BoolVarP(&showDiff, "diff", "d", false, "print a diff instead of the result")
	return c
}

var errDiffers = errors.New("fmt: not formatted")

func formatAll(c *cobra.Command, files []string, write, showDiff bool) error {
	var failure error
	for _, file := range files {
		src, err := readSource(c, file)
		if err != nil {
			return fmt.Errorf("fmt: %w", err)
		}
		out, diags := config.Format(src, file)
		switch {
		case diags.HasErrors():
			if err := diags.Write(c.ErrOrStderr()); err != nil {
				return err
			}
			failure = errReported
		case write:
			if !bytes.Equal(src, out) {
				if err := replaceFile(file, out); err != nil {
					return fmt.Errorf("fmt: %w", err)
				}
			}
		case showDiff:
			if d := diff.Diff(file+".orig", src, file, out); len(d) > 0 {
				_, _ = c.OutOrStdout().Write(d)
				if failure == nil {
					failure = errDiffers
				}
			}
		default:
			if _, err := c.OutOrStdout().Write(out); err != nil {
				return err
			}
		}
	}
	return failure
}

func readSource(c *cobra.Command, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(io.LimitReader(c.InOrStdin(), 16<<20))
	}
	return os.ReadFile(file)
}

// replaceFile writes a new file beside the old one and renames it over, so that a full disk or a crash leaves the old
// one whole. Links are followed and the mode kept; the owner is kept where the caller may set it.
func replaceFile(file string, data []byte) error {
	file, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(file), ".superd-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails once it has been renamed
	_, err = temp.Write(data)
	err = errors.Join(err, keepOwner(temp, info), temp.Chmod(info.Mode()&fs.ModePerm), temp.Sync(), temp.Close())
	if err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}
