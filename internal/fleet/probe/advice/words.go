package advice

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed catalogue/*.json
var catalogues embed.FS

// Catalogue returns the words of a language as a JSON object from key to text.
// tag is BCP 47: en, ru, fa or zh.
func Catalogue(tag string) ([]byte, error) {
	b, err := catalogues.ReadFile("catalogue/" + tag + ".json")
	if err != nil {
		return nil, fmt.Errorf("words of advice in %q: %w", tag, err)
	}
	return b, nil
}

// english is read once: lists of checks ask for many words.
var english = sync.OnceValue(func() map[string]string {
	var words map[string]string
	b, err := Catalogue("en")
	if err == nil {
		err = json.Unmarshal(b, &words)
	}
	if err != nil {
		return nil // a test reads what is embedded
	}
	return words
})

// English returns the English words of a key, or "" for one that is not of Keys.
func English(key string) string { return english()[key] }
