package config

import (
	"fmt"
	"strings"
)

// didYouMean is ` Did you mean "server"?`, with the closest of words, or "" if none is close.
func didYouMean(given string, words []string) string {
	if best := closest(given, words); best != "" {
		return fmt.Sprintf(" Did you mean %q?", best)
	}
	return ""
}

// closest is the word that given was probably meant to be, or "".
func closest(given string, words []string) string {
	best, distance := "", len(given)/3+1
	for _, w := range words {
		if d := levenshtein(strings.ToLower(given), strings.ToLower(w)); d <= distance {
			if best == "" || d < distance {
				best, distance = w, d
			}
		}
	}
	return best
}

// levenshtein is the number of insertions, deletions, replacements and swaps of neighbours that make b of a.
func levenshtein(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}

// quoted is `"a", "b" or "c"`.
func quoted(words []string) string {
	q := make([]string, len(words))
	for i, w := range words {
		q[i] = fmt.Sprintf("%q", w)
	}
	if len(q) < 2 {
		return strings.Join(q, "")
	}
	return strings.Join(q[:len(q)-1], ", ") + " or " + q[len(q)-1]
}
