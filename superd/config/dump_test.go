package config

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// dump is a Config as text that a person can compare, without the hash of its files.
func dump(c *Config) []byte {
	bare := *c
	bare.Hash = ""
	b, err := json.MarshalIndent(&bare, "", "  ")
	if err != nil {
		return fmt.Append(nil, err)
	}
	return append(b, '\n')
}

// assigns reports whether an attribute is set in the text, be it behind a comment's sign.
func assigns(text []byte, name string) bool {
	return regexp.MustCompile(`(?m)^\s*#?\s*` + name + `\s+= `).Match(text)
}
