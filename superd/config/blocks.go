package config

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// item is a top-level block of a file.
type item struct {
	src   *source
	line  int    // on which it begins
	known *known // a service of an earlier load, without block and part; or what a later one will know of this one
	block *hclsyntax.Block
	part  *part
}

var blockTypes = []string{"defaults", "service", "superd"}

// block files a top-level block by its type.
func (l *loader) block(it *item) {
	b := it.block
	switch b.Type {
	case "defaults":
		l.single(&l.defaults, it)
	case "superd":
		l.single(&l.daemon, it)
	case "service":
		l.service(it)
	default:
		l.diags.errorf(b.TypeRange, "Unknown block", "There is no block %q.%s The blocks are %s.", b.Type, didYouMean(b.Type, blockTypes), quoted(blockTypes))
		return
	}
	for _, inner := range b.Body.Blocks {
		if _, ok := Lookup(inner.Type); ok {
			l.diags.errorf(inner.TypeRange, "Not a block", "%q is an attribute: write %s = and its value.", inner.Type, inner.Type)
		} else {
			l.diags.errorf(inner.TypeRange, "Unknown block", "No block stands in %q.", b.Type)
		}
	}
}

// single keeps a block of which there is one in all files together.
func (l *loader) single(to **item, it *item) {
	if len(it.block.Labels) > 0 {
		l.diags.errorf(it.block.LabelRanges[0], "Unexpected name", "%q has no name: write %s {", it.block.Type, it.block.Type)
	}
	if *to != nil {
		l.diags.errorf(it.block.TypeRange, "Second block", "There is already a %q at %s; there can be one in all files together.", it.block.Type, (*to).position())
		return
	}
	*to = it
}

func (l *loader) service(it *item) {
	if it.known == nil && !l.named(it.block) {
		return
	}
	if len(l.services) == maxServices {
		l.diags.errorf(hcl.Range{Filename: it.src.name}, "Too many services", "At most %d services are read.", maxServices)
		return
	}
	l.services = append(l.services, it)
}

func (l *loader) named(b *hclsyntax.Block) bool {
	if len(b.Labels) != 1 {
		l.diags.errorf(b.DefRange(), "One name", `A service has one name: service "ftp" {`)
		return false
	}
	why := badName(b.Labels[0])
	if why != "" {
		l.diags.errorf(b.LabelRanges[0], "Bad name", "%s", why)
	}
	return why == ""
}

func (it *item) position() string {
	return fmt.Sprintf("%s:%d", it.src.name, it.line)
}
