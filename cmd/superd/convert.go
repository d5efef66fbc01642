package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"superd/superd/convert"
)

// errStrict ends a strict conversion that has something to remark on, and has said so.
const errStrict exitError = 3

func convertCommand() *cobra.Command {
	var folder string
	var strict, explain, force bool
	var o convert.Options
	c := &cobra.Command{
		Use:   "convert [xinetd|inetd|systemd] PATH…",
		Short: "turn the files of xinetd, inetd or systemd into superd's",
		Long: `Convert reads xinetd.conf and xinetd.d, inetd.conf of many systems, or systemd's .socket and .service units, and prints
the same in superd's language. Whatever has no counterpart, or meant something else than its author thought, is a
warning with its file and line, and a comment that begins with "# CONVERT:" in its place.
With -o each service gets a file of its own. In a folder that the superd.hcl beside it includes, as /etc/superd/conf.d, that is
all; what defaults say is then written into the services. In any other folder there is a superd.hcl with them.
It exits 0, 1 if a file could not be read, and with --strict 3 if there is any warning.`,
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return []string{"xinetd", "inetd", "systemd"}, cobra.ShellCompDirectiveDefault
			}
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(c *cobra.Command, args []string) error {
			paths := kindAndPaths(&o, args)
			if len(paths) == 0 {
				return wrongUsage(c, errors.New("convert: name the files or folders to convert"))
			}
			into, err := isIncluded(folder)
			if err != nil {
				return err
			}
			o.Apart, o.Into, o.Stdin = folder != "", into, c.InOrStdin()
			result, err := convert.Convert(paths, o)
			if err != nil {
				return usageError{err}
			}
			if err := printRemarks(c.ErrOrStderr(), result); err != nil {
				return err
			}
			if into {
				if err := makeRoom(c.ErrOrStderr(), folder, result, force); err != nil {
					return fmt.Errorf("convert: %w", err)
				}
			}
			if err := writeResult(c.OutOrStdout(), result, folder, explain, force); err != nil {
				return err
			}
			switch {
			case result.Failed():
				return errors.New("convert: not all of it could be read")
			case strict && len(result.Remarks) > 0:
				return errStrict
			}
			return nil
		},
	}
	c.Flags().StringVarP(&folder, "output", "o", "", "write one file for each service, and superd.hcl, to the folder `DIR`")
	c.Flags().BoolVarP(&force, "force", "f", false, "with -o, replace files that are there")
	c.Flags().StringVar(&o.Root, "root", "", "take what the files include from below `DIR`, a copy of another machine's root")
	c.Flags().BoolVar(&strict, "strict", false, "exit 3 if there is any warning")
	c.Flags().BoolVar(&explain, "explain", false, "print which line of the source became which line of the result")
	c.Flags().BoolVar(&o.Portable, "portable", false, "do not warn of users, groups and ports that this machine does not know")
	_ = c.MarkFlagDirname("root")   // as the next
	_ = c.MarkFlagDirname("output") // fails only for a flag that does not exist
	return c
}

// kindAndPaths takes the kind off the arguments, if the first is one.
func kindAndPaths(o *convert.Options, args []string) []string {
	if len(args) == 0 {
		return nil
	}
	kind, ok := convert.ParseKind(args[0])
	if _, err := os.Stat(args[0]); ok && (len(args) > 1 || err != nil) {
		o.Kind = kind
		return args[1:]
	}
	return args
}

func printRemarks(w io.Writer, r *convert.Result) error {
	for _, m := range r.Remarks {
		if _, err := fmt.Fprintln(w, m); err != nil {
			return err
		}
	}
	if r.Omitted > 0 {
		_, err := fmt.Fprintf(w, "… and %d more\n", r.Omitted)
		return err
	}
	return nil
}

// writeResult writes the files, to standard output or the folder, and explains them.
func writeResult(w io.Writer, r *convert.Result, folder string, explain, force bool) error {
	if folder != "" {
		if err := writeFiles(folder, r.Files, force); err != nil {
			return fmt.Errorf("convert: %w", err)
		}
	}
	if explain {
		for _, s := range r.Steps {
			if _, err := fmt.Fprintln(w, s); err != nil {
				return err
			}
		}
		return nil
	}
	if folder == "" {
		_, err := w.Write(r.Files[0].Text)
		return err
	}
	return nil
}

// writeFiles writes all files, or none if one of them is there and may not be replaced.
func writeFiles(folder string, files []convert.File, force bool) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := inTheWay(folder, files, force, nil); err != nil {
		return err
	}
	for _, f := range files {
		if err := writeNew(filepath.Join(folder, f.Name), f.Text); err != nil {
			return err
		}
	}
	return nil
}

// inTheWay names a file that is there and may not be replaced, if there is one; those that leave do not count.
func inTheWay(folder string, files []convert.File, force bool, leave []string) error {
	for _, f := range files {
		path := filepath.Join(folder, f.Name)
		if _, err := os.Lstat(path); err == nil && !force && !slices.Contains(leave, path) {
			return fmt.Errorf("%s is there already; with --force it is replaced", path)
		}
	}
	return nil
}

// writeNew writes a file beside the place and renames it there, so that a link in its place is not followed.
func writeNew(path string, text []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), ".superd-convert-*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // fails once it has been renamed
	_, err = temp.Write(text)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
