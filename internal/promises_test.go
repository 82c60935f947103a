package internal

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promise is a sentence that people rely on, with the tests that prove it. After a
// whole run internal/tools/testreport reads the same file and fails when one of the
// tests did not pass.
type promise struct {
	Place   string   `json:"place"`
	Promise string   `json:"promise"`
	Tests   []string `json:"tests"`
}

func promises(t *testing.T) map[string][]promise {
	t.Helper()
	raw, err := os.ReadFile("promises.json")
	if err != nil {
		t.Fatal(err)
	}
	var list []promise
	if err := json.Unmarshal(raw, &list); err != nil {
		t.Fatal(err)
	}
	by := map[string][]promise{}
	for _, p := range list {
		by[p.Place] = append(by[p.Place], p)
	}
	return by
}

// promising are the words of a sentence that promises.
var promising = regexp.MustCompile(`(?i)\b(never|always|nobody|no one|no single|guarantee|cannot|destroy|encrypted|only|alone|anonym|safe|nowhere|kept)`)

// onPages are the parts of the catalogue that make promises to strangers.
var onPages = []string{
	"home.", "apply.", "receipt.", "status.", "ask.message_hint", "vote.note_hint", "talk.note_hint", "review.sealed",
	"decide.note_hint", "screen.", "void.", "event.batch.void_", "unjoined.",
}

// noPromise are sentences with such a word that promise nothing of ours.
var noPromise = map[string]string{
	"home.safety":            "a heading",
	"apply.address_hint":     "asks the operator for an address that nobody knows",
	"apply.amount_hint":      "a rule of the form",
	"apply.check_lead":       "how Bitcoin works",
	"receipt.lead":           "there is no account beside the code",
	"receipt.confirm":        "the operator's words",
	"receipt.kept":           "about what the operator kept",
	"status.withdraw_text":   "what the button does",
	"status.line.submitted":  "a state",
	"status.line.confirming": "how Bitcoin works",
}

// TestEachPromiseOfAPageHasItsTest holds the catalogue's promising sentences to the
// table, word for word: who changes one has to look at its test again.
func TestEachPromiseOfAPageHasItsTest(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("edge/web/i18n/catalogue/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue map[string]json.RawMessage
	if err := json.Unmarshal(raw, &catalogue); err != nil {
		t.Fatal(err)
	}
	table := promises(t)
	found := 0
	for key, value := range catalogue {
		if !slices.ContainsFunc(onPages, func(p string) bool { return strings.HasPrefix(key, p) }) {
			continue
		}
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value) // a plural: all its forms
		}
		rows := table["en.json "+key]
		switch {
		case len(rows) == 1 && rows[0].Promise == text:
			found++
		case len(rows) > 0:
			t.Errorf("promises.json has %q for %s, and the page says %q", rows[0].Promise, key, text)
		case promising.MatchString(text) && noPromise[key] == "":
			t.Errorf("%s promises %q, and promises.json has no test for it", key, text)
		}
	}
	for place := range table {
		if key, ok := strings.CutPrefix(place, "en.json "); ok && catalogue[key] == nil {
			t.Errorf("promises.json has %s, which the catalogue lacks", place)
		}
	}
	for key := range noPromise {
		if catalogue[key] == nil {
			t.Errorf("noPromise has %s, which the catalogue lacks", key)
		}
	}
	if found < 8 {
		t.Errorf("only %d promises were found on pages", found)
	}
}

// TestEachPromiseOfTheReadmeHasItsTest does the same for what README.md and
// SECURITY.md say holds today.
func TestEachPromiseOfTheReadmeHasItsTest(t *testing.T) {
	t.Parallel()
	table := promises(t)
	said := map[string][]string{"README.md": readmeHolds(t), "SECURITY.md": securityHolds(t)}
	for place, list := range said {
		if len(list) < 4 {
			t.Errorf("%s: only %d promises were found", place, len(list))
		}
		var rows []string
		for _, p := range table[place] {
			rows = append(rows, p.Promise)
		}
		for _, text := range list {
			if !slices.Contains(rows, text) {
				t.Errorf("%s promises %q, and promises.json has no test for it", place, text)
			}
		}
		for _, text := range rows {
			if !slices.Contains(list, text) {
				t.Errorf("promises.json has %q, which %s does not say", text, place)
			}
		}
	}
}

func readmeHolds(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(raw), "Holds today, and is tested:\n")
	holds, _, also := strings.Cut(rest, "\nDoes not hold yet:")
	if !found || !also {
		t.Fatal("README.md does not say what holds today and what does not")
	}
	var list []string
	for _, bullet := range strings.Split(holds, "\n- ")[1:] {
		list = append(list, strings.Join(strings.Fields(bullet), " "))
	}
	return list
}

func securityHolds(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 2 || strings.HasPrefix(cells[0], "---") || strings.TrimSpace(cells[1]) == "today" || strings.HasPrefix(strings.TrimSpace(cells[1]), "**") {
			continue
		}
		list = append(list, strings.TrimSpace(cells[0]))
	}
	return list
}

// TestTheTestsOfPromisesExist finds each test of the table, and no skip in it.
func TestTheTestsOfPromisesExist(t *testing.T) {
	t.Parallel()
	for place, rows := range promises(t) {
		for _, p := range rows {
			if len(p.Tests) == 0 {
				t.Errorf("%s: %q has no test", place, p.Promise)
			}
			for _, name := range p.Tests {
				if why := absent(t, name); why != "" {
					t.Errorf("%s: %q is proven by %s, which %s", place, p.Promise, name, why)
				}
			}
		}
	}
}

// absent says why "internal/x.TestY" proves nothing.
func absent(t *testing.T, name string) string {
	t.Helper()
	dir, test, ok := strings.Cut(name, ".")
	if !ok || !strings.HasPrefix(dir, "internal/") {
		return "is not written as internal/PACKAGE.TestNAME"
	}
	files, err := filepath.Glob(filepath.Join("..", dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == test {
				if skips(f) {
					return "can be skipped"
				}
				return ""
			}
		}
	}
	return "does not exist"
}

func skips(f *ast.FuncDecl) bool {
	found := false
	ast.Inspect(f.Body, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains([]string{"Skip", "Skipf", "SkipNow", "Short"}, sel.Sel.Name) {
			found = true
		}
		return true
	})
	return found
}
