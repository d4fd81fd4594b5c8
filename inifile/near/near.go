// Package near finds the name that somebody has probably meant.
package near

import "strings"

// Name returns the one of names that is nearest to word, if its distance is at most a
// third of word's length and one more; else "". Of several the first one counts, and
// dashes in front do not.
func Name(word string, names []string) string {
	word = strings.TrimLeft(word, "-")
	best, bestDistance := "", len(word)/3+2
	for _, name := range names {
		if d := distance(word, strings.TrimLeft(name, "-")); d < bestDistance && d < len(word) {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
