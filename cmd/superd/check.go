package main

import (
	"github.com/spf13/cobra"

	"superd/superd/config"
)

func checkCommand() *cobra.Command {
	var file string
	var json, portable bool
	c := &cobra.Command{
		Use:   "check [FILE]",
		Short: "read the configuration and print everything that is wrong with it",
		Long: `Check reads the configuration as run would and prints every error and warning with its place.
It exits 0 if the configuration can run and 2 if not.`,
		Args: atMostOneFile,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			_, diags := config.Load(file, config.Options{Privileged: true, Portable: portable})
			if err := printDiagnostics(c, diags, json); err != nil {
				return err
			}
			if diags.HasErrors() {
				return errReported
			}
			return nil
		},
	}
	configFlag(c, &file)
	c.Flags().BoolVar(&json, "json", false, "print the diagnostics as JSON on standard output")
	c.Flags().BoolVar(&portable, "portable", false, "leave out what only the target machine can tell: users, groups, programs, /etc/services")
	return c
}

func printDiagnostics(c *cobra.Command, diags *config.Diagnostics, json bool) error {
	if json {
		return diags.JSON(c.OutOrStdout())
	}
	return diags.Write(c.ErrOrStderr())
}
