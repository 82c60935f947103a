package note_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/note"
)

func kind() note.Kind {
	return note.Kind{Name: "test note", Header: "causeway/test/v1", MaxBytes: 400}
}

const id = "0198c0de-0000-7000-8000-000000000001"

func digest() string { return strings.Repeat("0a", 32) }

func good() string {
	return fmt.Sprintf("causeway/test/v1\nnetwork simnet %s\nid %s\nof %s\nnumber 7\nat 2026-12-01T10:00:00Z\n", digest(), id, digest())
}

// read reads a note of every type of line and writes it again.
func read(text string) error {
	r := note.NewReader(kind(), []byte(text))
	name, genesis := r.Network()
	who, of := r.ID(r.Rest("id")), r.Digest(r.Rest("of"))
	number, at := r.Number(r.Rest("number"), 1, 36), r.Time(r.Rest("at"))
	return r.End(func() []byte {
		return fmt.Appendf(nil, "causeway/test/v1\nnetwork %s %s\nid %s\nof %x\nnumber %d\nat %s\n", name, genesis, who, of, number,
			at.Format("2006-01-02T15:04:05Z07:00"))
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	if err := read(good()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ from, to, says string }{
		"another header":     {"test/v1", "test/v2", "Line 1 of the test note is not causeway/test/v1."},
		"another name":       {"id ", "di ", "Line 3 of the test note should begin with id."},
		"a line more":        {"Z\n", "Z\nmore\n", "Line 7 of the test note is another than belongs there."},
		"an empty line more": {"Z\n", "Z\n\n", "Line 7 of the test note is another than belongs there."},
		"a line less":        {"at 2026-12-01T10:00:00Z\n", "", "Line 6 of the test note should begin with at."},
		"no last line feed":  {"Z\n", "Z", "Line 6 of the test note does not end in a line feed."},
		"CR LF":              {"\nid", "\r\nid", "Line 2 of the test note holds a byte that is not printable ASCII."},
		"a letter above":     {"simnet", "simn\u00e9t", "Line 2 of the test note holds a byte that is not printable ASCII."},
		"a short network":    {"simnet ", "", "Line 2 of the test note should have 2 words behind network."},
		"no genesis":         {"simnet 0a", "simnet 0", "Line 2 of the test note has something else where 64 hexadecimal digits should be."},
		"no id":              {id, "me", "Line 3 of the test note has something else where an id should be."},
		"the nil id":         {id, "00000000-0000-0000-0000-000000000000", "Line 3 of the test note has something else where an id should be."},
		"an id in braces":    {id, "{" + id + "}", "Line 3 of the test note is not in its one spelling."},
		"capitals":           {"c0de", "C0DE", "Line 3 of the test note is not in its one spelling."},
		"a digest too long":  {"of 0a", "of 0a0a", "Line 4 of the test note has something else where 64 hexadecimal digits should be."},
		"a digest too short": {"of 0a", "of ", "Line 4 of the test note has something else where 64 hexadecimal digits should be."},
		"a number too large": {"number 7", "number 37", "Line 5 of the test note has something else where a number from 1 to 36 should be."},
		"a number too small": {"number 7", "number 0", "Line 5 of the test note has something else where a number from 1 to 36 should be."},
		"a number of words":  {"number 7", "number 7 ", "Line 5 of the test note has something else where a number from 1 to 36 should be."},
		"a leading zero":     {"number 7", "number 07", "Line 5 of the test note is not in its one spelling."},
		"a plus":             {"number 7", "number +7", "Line 5 of the test note is not in its one spelling."},
		"no time":            {"at 2026", "at 20266", "Line 6 of the test note has something else where a time such as 2027-12-01T00:00:00Z should be."},
		"another zone":       {"10:00:00Z", "10:00:00+01:00", "Line 6 of the test note is not in its one spelling."},
	} {
		err := read(strings.Replace(good(), c.from, c.to, 1))
		if !errs.Is(err, "note_malformed") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s", name, err, c.says)
		}
	}
	if err := read(good() + strings.Repeat("x", 400)); !errs.Is(err, "note_too_long") {
		t.Errorf("long: %v", err)
	}
	if err := read(""); !errs.Is(err, "note_malformed") {
		t.Errorf("empty: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(good())
	f.Add("causeway/test/v1\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if read(text) == nil && !strings.HasPrefix(text, "causeway/test/v1\nnetwork ") {
			t.Errorf("accepted %q", text)
		}
	})
}
