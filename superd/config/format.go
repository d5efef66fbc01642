package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns src in the canonical style: two blanks for each level, equals signs below one another. It changes nothing but
// blanks. With a syntax error it returns src as it is, and the Diagnostics, which are never nil, say why.
func Format(src []byte, filename string) ([]byte, *Diagnostics) {
	d := newDiagnostics()
	f := &source{name: filename, text: src}
	d.files[filename] = f
	f.parse(nil, d)
	d.finish()
	if d.HasErrors() {
		return src, d
	}
	return hclwrite.Format(bytes.Clone(src)), d
}
