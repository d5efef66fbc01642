package config

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxNesting keeps the parser, which calls itself for each bracket and operator, far from the end of its stack.
const maxNesting = 100

// chunk is a part of a file that can be parsed by itself.
type chunk struct {
	text  []byte
	start hcl.Pos
}

// cut says where a file may be cut.
type cut uint8

const (
	afterBlocks cut = iota // below the closing brace of a top-level block
	afterLines             // below every line that stands in no block
)

// split cuts a file into parts that can be parsed by themselves: a part is then parsed beside others, or not at all if it is
// known from the load before, and the parser's tokens, fifty times the size of the text, are those of one part at a time.
// It reports false when it cannot be sure of what it sees: with templates, heredocs, strings that do not end, brackets nested
// deep. Such a file is one chunk, and nested must look at it.
func split(text []byte, where cut) (chunks []chunk, ok bool) {
	start := hcl.InitialPos
	depth, brackets, chain, lines := 0, 0, 0, 0
	closed := false // a block, on this line
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			n := stringEnd(text[i+1:])
			if n < 0 {
				return nil, false
			}
			i += n + 1
		case '#':
			i += lineEnd(text[i:]) - 1 // the newline is not part of the comment
		case '/', '<':
			switch {
			case !bytes.HasPrefix(text[i+1:], text[i:i+1]) && !bytes.HasPrefix(text[i+1:], []byte("*")):
			case c == '/' && text[i+1] == '/':
				i += lineEnd(text[i:]) - 1
			default:
				return nil, false
			}
		case '(', '[':
			depth, brackets = depth+1, brackets+1
		case ')', ']':
			depth, brackets = max(depth-1, 0), max(brackets-1, 0)
		case '{':
			depth++
		case '}':
			depth, closed = max(depth-1, 0), true
		case '!', '-', '?':
			chain++
		case '\n':
			lines++
			if brackets == 0 { // an expression ends
				chain = 0
			}
			if depth == 0 && (closed || where == afterLines) {
				chunks = append(chunks, chunk{text[start.Byte : i+1], start})
				start = hcl.Pos{Line: lines + 1, Column: 1, Byte: i + 1}
			}
			closed = false
		}
		if depth > maxNesting || chain > maxNesting {
			return nil, false
		}
	}
	return append(chunks, chunk{text[start.Byte:], start}), true
}

// lineEnd is the offset of the first newline, or the length of a text that has none.
func lineEnd(text []byte) int {
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		return n
	}
	return len(text)
}

// stringEnd is the offset of the quote that closes a string without templates on its first line, or -1.
func stringEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return i
		case c == '\\':
			i++
		case c == '\n', (c == '$' || c == '%') && i+1 < len(text) && text[i+1] == '{':
			return -1
		}
	}
	return -1
}

// nested finds the place where brackets or operators are nested too deep to be parsed.
func nested(text []byte, name string) (hcl.Range, bool) {
	tokens, _ := hclsyntax.LexConfig(text, name, hcl.InitialPos)
	depth, brackets, chain := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack:
			depth, brackets = depth+1, brackets+1
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack:
			depth, brackets = max(depth-1, 0), max(brackets-1, 0)
		case hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			depth = max(depth-1, 0)
		case hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenQuestion:
			chain++
		case hclsyntax.TokenNewline:
			if brackets == 0 {
				chain = 0
			}
		}
		if depth > maxNesting || chain > maxNesting {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}
