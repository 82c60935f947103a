package halt_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/halt"
)

func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n)) }

func stop() halt.Note {
	return halt.Note{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: id(1), ID: id(2), Reason: "Ada's laptop was stolen in Turin.",
	}
}

func stopOne() halt.Note {
	n := stop()
	n.ID, n.Halts, n.Reason = id(3), decision.Digest{0xab}, halt.NoReason
	return n
}

func resume() halt.Resume {
	return halt.Resume{
		Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: id(1), ID: id(4), Lifts: []uuid.UUID{id(2), id(3)}, Bars: []uuid.UUID{id(11)},
	}
}

// golden compares a note's text and words with a file, or writes it under UPDATE_GOLDEN=1.
func golden(t *testing.T, name string, text []byte, words []string) {
	t.Helper()
	path, got := filepath.Join("testdata", name), string(text)+"\n"+strings.Join(words, "\n")+"\n"
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	one := resume()
	one.Lifts, one.Bars = one.Lifts[:1], nil
	for name, n := range map[string]halt.Note{"all.halt": stop(), "one.halt": stopOne()} {
		golden(t, name, n.Encode(), n.Words())
		if got, err := halt.Parse(n.Encode()); err != nil || cmp.Diff(n, got) != "" || got.Digest() != n.Digest() {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
	for name, n := range map[string]halt.Resume{"two.resume": resume(), "one.resume": one} {
		golden(t, name, n.Encode(), n.Words())
		if got, err := halt.ParseResume(n.Encode()); err != nil || cmp.Diff(n, got) != "" || got.Digest() != n.Digest() {
			t.Errorf("%s: %v, %+v", name, err, got)
		}
	}
}

func TestHaltRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(n *halt.Note)
		code   errs.Code
	}{
		"an empty reason":  {func(n *halt.Note) { n.Reason = "" }, "halt_reason"},
		"a long reason":    {func(n *halt.Note) { n.Reason = strings.Repeat("x", 201) }, "halt_reason"},
		"spaces around":    {func(n *halt.Note) { n.Reason += " " }, "halt_reason"},
		"two lines":        {func(n *halt.Note) { n.Reason = "a\nb" }, "note_malformed"},
		"another script":   {func(n *halt.Note) { n.Reason = "\u0441" }, "note_malformed"},
		"a hidden escape":  {func(n *halt.Note) { n.Reason = "\x1b[2J" }, "note_malformed"},
		"no fund":          {func(n *halt.Note) { n.Fund = uuid.Nil }, "note_malformed"},
		"no id":            {func(n *halt.Note) { n.ID = uuid.Nil }, "note_malformed"},
		"no network":       {func(n *halt.Note) { n.Network = decision.Network{} }, "note_malformed"},
		"a very long note": {func(n *halt.Note) { n.Reason = strings.Repeat("x", 1024) }, "note_too_long"},
	} {
		n := stop()
		c.change(&n)
		if _, err := halt.Parse(n.Encode()); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	zero := bytes.Replace(stop().Encode(), []byte("halts all"), []byte("halts "+strings.Repeat("0", 64)), 1)
	if _, err := halt.Parse(zero); !errs.Is(err, "note_malformed") {
		t.Errorf("all in another spelling: %v", err)
	}
	if _, err := halt.Parse(resume().Encode()); !errs.Is(err, "note_malformed") {
		t.Errorf("a resume as a halt: %v", err)
	}
}

func TestResumeRefusals(t *testing.T) {
	t.Parallel()
	many := func(n int) []uuid.UUID {
		ids := make([]uuid.UUID, n)
		for i := range ids {
			ids[i] = id(i + 1)
		}
		return ids
	}
	most := resume()
	most.Lifts, most.Bars = many(halt.MaxLifts), many(halt.MaxBars)
	if _, err := halt.ParseResume(most.Encode()); err != nil {
		t.Errorf("the most that a note may lift and bar: %v", err)
	}
	for name, c := range map[string]struct {
		change func(n *halt.Resume)
		code   errs.Code
	}{
		"nothing lifted":  {func(n *halt.Resume) { n.Lifts = nil }, "halt_lifts_nothing"},
		"too many lifted": {func(n *halt.Resume) { n.Lifts = many(halt.MaxLifts + 1) }, "halt_lifts_nothing"},
		"too many barred": {func(n *halt.Resume) { n.Bars = many(halt.MaxBars + 1) }, "halt_bars_many"},
		"one halt twice":  {func(n *halt.Resume) { n.Lifts[1] = n.Lifts[0] }, "halt_order"},
		"falling":         {func(n *halt.Resume) { n.Lifts[0], n.Lifts[1] = n.Lifts[1], n.Lifts[0] }, "halt_order"},
		"a person twice":  {func(n *halt.Resume) { n.Bars = append(n.Bars, n.Bars[0]) }, "halt_order"},
		"no id":           {func(n *halt.Resume) { n.ID = uuid.Nil }, "note_malformed"},
		"the nil halt":    {func(n *halt.Resume) { n.Lifts[0] = uuid.Nil }, "note_malformed"},
		"very long":       {func(n *halt.Resume) { n.Lifts = many(2000) }, "note_too_long"},
	} {
		n := resume()
		c.change(&n)
		if _, err := halt.ParseResume(n.Encode()); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	mixed := strings.Replace(string(resume().Encode()), "bars", "lifts", 1) + "bars " + id(11).String() + "\nlifts " + id(12).String() + "\n"
	if _, err := halt.ParseResume([]byte(mixed)); !errs.Is(err, "note_malformed") {
		t.Errorf("lines in another order: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(stop().Encode())
	f.Add(stopOne().Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := halt.Parse(text); err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted another text than is encoded:\n%s", n.Encode())
		}
	})
}

func FuzzParseResume(f *testing.F) {
	f.Add(resume().Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := halt.ParseResume(text); err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted another text than is encoded:\n%s", n.Encode())
		}
	})
}
