package grant

import (
	"regexp"
	"testing"
)

// TestWordsOfDesignations: a byte picks a word, so a list of another length would
// leave words out or stop the service; a word in two lists would read as a stutter.
func TestWordsOfDesignations(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z]{3,11}$`)
	seen := map[string]bool{}
	for i, list := range [][]string{designationFirst, designationSecond, designationThird} {
		if len(list) != 256 {
			t.Errorf("list %d has %d words", i+1, len(list))
		}
		for _, word := range list {
			if seen[word] || !form.MatchString(word) {
				t.Errorf("list %d: %q stands twice or is not plain", i+1, word)
			}
			seen[word] = true
		}
	}
}
