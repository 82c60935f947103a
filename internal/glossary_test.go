package internal_test

import (
	"path"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// otherWords are those that the glossary of api/README.md has another word for.
var otherWords = map[string]*regexp.Regexp{
	"broadcast":  regexp.MustCompile(`(?i)announc`),
	"feerate":    regexp.MustCompile(`(?i)fee rate`),
	"gap limit":  regexp.MustCompile(`(?i)look-?ahead`),
	"synced tip": regexp.MustCompile(`(?i)walked tip`),
}

// identifiers are words of the API and the code. In a sentence for people they have another one.
var identifiers = map[string]*regexp.Regexp{
	"server": regexp.MustCompile(`(?i)\bendpoints?\b`),
	"prober": regexp.MustCompile(`(?i)\bvantages?\b`),
}

// asItIs is what a sentence names as it is: an identifier, an address, a command or a filled-in value.
var asItIs = regexp.MustCompile("`[^`]*`|/v1/[^ ]*|\\{\\{[^}]*\\}\\}|causewayctl [a-z]+")

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
	handWritten(t, func(file string, text []byte) {
		for _, sentence := range sentences(t, file, text) {
			for word, other := range identifiers {
				if other.MatchString(asItIs.ReplaceAllString(sentence, "")) {
					t.Errorf("%s: %q; people read %q", file, sentence, word)
				}
			}
		}
	})
	if read < 60 {
		t.Errorf("only %d files were read", read)
	}
}

// sentences are what people read of a file: the messages of a catalogue, summaries and descriptions of the contract.
func sentences(t *testing.T, file string, text []byte) (all []string) {
	t.Helper()
	catalogue := strings.HasPrefix(file, "internal/edge/web/i18n/catalogue/")
	contract := strings.HasPrefix(file, "api/spec/") && path.Ext(file) == ".yaml"
	if !catalogue && !contract {
		return nil
	}
	var doc yaml.Node // JSON is YAML
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var walk func(n *yaml.Node, key string)
	walk = func(n *yaml.Node, key string) {
		switch {
		case n.Kind == yaml.MappingNode:
			for i := 0; i+1 < len(n.Content); i += 2 {
				walk(n.Content[i+1], n.Content[i].Value)
			}
		case n.Kind != yaml.ScalarNode:
			for _, c := range n.Content {
				walk(c, key)
			}
		case catalogue || key == "summary" || key == "description":
			all = append(all, n.Value)
		}
	}
	walk(&doc, "")
	return all
}
