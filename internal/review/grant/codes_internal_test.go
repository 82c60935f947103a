package grant

import (
	"slices"
	"testing"

	"golang.org/x/text/language"
)

// TestCountriesAreThoseOfTheStandard: x/text is the second witness; it knows former
// countries as well, so it cannot be the list.
func TestCountriesAreThoseOfTheStandard(t *testing.T) {
	t.Parallel()
	if len(countries) != 250 || !slices.IsSorted(countries) || len(slices.Compact(slices.Clone(countries))) != len(countries) {
		t.Errorf("%d codes, or not in order", len(countries))
	}
	for _, code := range countries {
		if r, err := language.ParseRegion(code); err != nil || !r.IsCountry() || r.ISO3() == "ZZZ" || r.Canonicalize() != r {
			t.Errorf("%s is not a country of CLDR: %v", code, err)
		}
	}
}

func TestCodesThatDoNotExist(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"UK", "ZZ", "SU", "YU", "DD", "EU", "UN", "XA", "AN", "QQ", "ir", "IRN", "", "I", "Other"} {
		if isRegion(code) {
			t.Errorf("region %q is taken", code)
		}
	}
	for _, code := range []string{"xx", "qaa", "und", "zxx", "mul", "rus", "EN", "en-US", "", "e", "zz", "iw"} {
		if isLanguage(code) {
			t.Errorf("language %q is taken", code)
		}
	}
	for _, code := range []string{"en", "ru", "fa", "zh", "ckb", "prs", "my", "he", "fil"} {
		if !isLanguage(code) {
			t.Errorf("language %q is refused", code)
		}
	}
	if !isRegion("IR") || !isRegion("XK") || !isRegion("other") {
		t.Error("a region is refused")
	}
}
