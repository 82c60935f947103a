package history_test

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
	"github.com/causeway-fund/causeway/internal/trust/history"
)

func id(n int) uuid.UUID { return uuid.MustParse(fmt.Sprintf("0198c0de-0000-7000-8000-%012d", n)) }

func example(payments int) history.Note {
	n := history.Note{Network: decision.NetworkOf(&chaincfg.SimNetParams), Fund: id(1), Treasury: 2}
	for i := range payments {
		n.Paid = append(n.Paid, history.Payment{Decision: decision.Digest{byte(i >> 16), byte(i >> 8), byte(i &^ 3)}, Period: int64(i%4 + 1)})
	}
	return n
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, payments := range []int{0, 1, 6} {
		n := example(payments)
		path, got := filepath.Join("testdata", fmt.Sprintf("%d.history", payments)), string(n.Encode())+"\n"+strings.Join(n.Words(), "\n")+"\n"
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
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
		if read, err := history.Parse(n.Encode()); err != nil || cmp.Diff(n, read) != "" || read.Digest() != n.Digest() {
			t.Errorf("%d: %v", payments, err)
		}
	}
}

func TestAHundredThousandPaymentsFit(t *testing.T) {
	t.Parallel()
	n, err := history.Parse(example(100_000).Encode())
	if err != nil || len(n.Paid) != 100_000 {
		t.Errorf("%d payments, %v", len(n.Paid), err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(n *history.Note)
		code   errs.Code
	}{
		"one period twice":      {func(n *history.Note) { n.Paid[1] = n.Paid[0] }, "history_order"},
		"falling periods":       {func(n *history.Note) { n.Paid[0], n.Paid[1] = n.Paid[1], n.Paid[0] }, "history_order"},
		"falling decisions":     {func(n *history.Note) { n.Paid[5].Decision = decision.Digest{} }, "history_order"},
		"period 0":              {func(n *history.Note) { n.Paid[0].Period = 0 }, "note_malformed"},
		"period 37":             {func(n *history.Note) { n.Paid[5].Period = 37 }, "note_malformed"},
		"a negative treasury":   {func(n *history.Note) { n.Treasury = -1 }, "note_malformed"},
		"a treasury of no fund": {func(n *history.Note) { n.Treasury = 1_000_001 }, "note_malformed"},
		"no fund":               {func(n *history.Note) { n.Fund = uuid.Nil }, "note_malformed"},
		"very long":             {func(n *history.Note) { n.Paid = make([]history.Payment, 150_000) }, "note_too_long"},
	} {
		n := example(6)
		c.change(&n)
		if _, err := history.Parse(n.Encode()); !errs.Is(err, c.code) {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	short := strings.Replace(string(example(1).Encode()), " 1\n", "\n", 1)
	if _, err := history.Parse([]byte(short)); !errs.Is(err, "note_malformed") {
		t.Errorf("a payment without period: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example(0).Encode())
	f.Add(example(6).Encode())
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := history.Parse(text); err == nil && !bytes.Equal(n.Encode(), text) {
			t.Errorf("accepted another text than is encoded:\n%s", n.Encode())
		}
	})
}
