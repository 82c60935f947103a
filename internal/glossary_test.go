package internal_test

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// otherWords are those that the glossary of api/README.md has another word for.
var otherWords = map[string]*regexp.Regexp{
	"broadcast": regexp.MustCompile(`(?i)announc`),
	"feerate":   regexp.MustCompile(`(?i)fee rate`),
	"gap limit": regexp.MustCompile(`(?i)look-?ahead`),
}

// surface reports whether people read a file, or what is made of it: the contract, catalogues, pages, the command
// line, and what operators of a fund follow.
func surface(file string) bool {
	switch {
	case strings.HasPrefix(file, "api/") && path.Ext(file) == ".yaml":
		return true
	case strings.HasPrefix(file, "internal/edge/web/i18n/catalogue/"), path.Ext(file) == ".templ":
		return true
	case strings.HasPrefix(file, "internal/programs/ctl/") && path.Ext(file) == ".go":
		return true
	}
	return strings.HasPrefix(file, "deploy/") && path.Ext(file) == ".md"
}

// TestOneWordForOneThing: whoever reads of the same thing under two names looks for a difference.
func TestOneWordForOneThing(t *testing.T) {
	t.Parallel()
	read := 0
	handWritten(t, func(file string, text []byte) {
		if !surface(file) {
			return
		}
		read++
		for word, other := range otherWords {
			if found := other.Find(text); found != nil {
				t.Errorf("%s says %q; the word is %q", file, found, word)
			}
		}
	})
	if read < 60 {
		t.Errorf("only %d files were read", read)
	}
}
