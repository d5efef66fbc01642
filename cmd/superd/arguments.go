package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func configFlag(c *cobra.Command, file *string) {
	c.Flags().StringVarP(file, "config", "c", defaultConfig, "the main configuration `FILE`")
	_ = c.MarkFlagFilename("config", "hcl") // fails only for a flag that does not exist
}

// asUsage makes cobra's argument errors wrong usage, exit status 2.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return wrongUsage(c, err)
		}
		return nil
	}
}

func wrongUsage(c *cobra.Command, err error) error {
	return usageError{fmt.Errorf("%w (see %s --help)", err, c.CommandPath())}
}

func aKnownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q", args[0])
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		err = fmt.Errorf("%w, did you mean %q?", err, near[0])
	}
	return wrongUsage(c, err)
}

var (
	oneArgument   = asUsage(cobra.ExactArgs(1))
	twoArguments  = asUsage(cobra.ExactArgs(2))
	noArguments   = asUsage(cobra.NoArgs)
	atMostOneFile = asUsage(cobra.MaximumNArgs(1))
)
