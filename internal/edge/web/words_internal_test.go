package web

import (
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
)

func english(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile("i18n/catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]json.RawMessage
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		t.Fatal(err)
	}
	return catalogue
}

// What the history of an application or a batch has words for can be filtered by.
func TestTheAuditFilterOffersWhatHistoryTells(t *testing.T) {
	t.Parallel()
	found := 0
	for key := range english(t) {
		action, ok := strings.CutPrefix(key, "event.")
		if !ok || strings.HasPrefix(action, "attempt.") { // attempts have a history of their own, and no leaves
			continue
		}
		found++
		if !slices.Contains(auditActions, action) {
			t.Errorf("the filter does not offer %s", action)
		}
	}
	if found < 30 {
		t.Errorf("the catalogue has words for %d actions", found)
	}
}

func TestEachEstimateHasWords(t *testing.T) {
	t.Parallel()
	catalogue := english(t)
	for _, blocks := range fee.Targets() {
		if catalogue["fee.within."+strconv.Itoa(blocks)] == nil {
			t.Errorf("the catalogue has no words for %d blocks", blocks)
		}
	}
}
