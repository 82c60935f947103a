package decision

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/currency"
)

// Held against the tables of others: every code is one that they know, in the order of the
// alphabet, once; and all that is tender somewhere today is there, but what was given up since those
// tables were made.
func TestCurrenciesAreThoseOfISO4217(t *testing.T) {
	t.Parallel()
	list := strings.Fields(currencies)
	if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) != len(list) {
		t.Error("not in order, or one twice")
	}
	newer := []string{"MRU", "SLE", "VES", "XCG", "ZWG"} // than those tables
	for _, code := range list {
		if unit, err := currency.ParseISO(code); (err != nil || unit.String() != code) && !slices.Contains(newer, code) {
			t.Errorf("%s is unknown", code)
		}
	}
	gone := []string{"ANG", "BGN", "CUC", "HRK", "SLL", "ZWL", "BYR", "MRO", "STD", "VEF"}
	units := []string{"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW"}
	for it := currency.Query(); it.Next(); {
		code := it.Unit().String()
		if !slices.Contains(list, code) && !slices.Contains(gone, code) && !slices.Contains(units, code) {
			t.Errorf("%s of %s is missing", code, it.Region())
		}
	}
	for _, code := range []string{"XAU", "XXX", "XTS", "usd", "US", "", "sat", "BTC", "USDT"} {
		if isCurrency(code) {
			t.Errorf("%q is taken for a currency", code)
		}
	}
}
