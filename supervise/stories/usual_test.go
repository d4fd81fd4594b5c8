//go:build !portable

package stories

// buildTags are those that the tests were built with, so that the program is, too.
const buildTags = ""
