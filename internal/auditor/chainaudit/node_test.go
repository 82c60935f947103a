package chainaudit_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/errs"
)

// TestNodeThatCannotBeBelieved refuses to judge, rather than judging wrongly.
func TestNodeThatCannotBeBelieved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lie  func(n *memNode)
		code string
	}{
		"does not answer": {func(n *memNode) {
			n.before = func(string, []any) error { return errors.New("connection refused") }
		}, "node_unavailable"},
		"another chain": {func(n *memNode) { n.blocks[0] = n.blocks[1] }, "unknown_network"},
		"a block of another hash": {func(n *memNode) {
			n.raw[n.blocks[2].BlockHash().String()] = n.raw[n.blocks[1].BlockHash().String()]
		}, "bad_node"},
		"a transaction twice, with the same root": {func(n *memNode) {
			b := n.blocks[2]
			n.blocks = n.blocks[:2]
			third := wire.NewMsgTx(2)
			third.AddTxIn(&wire.TxIn{})
			third.AddTxOut(wire.NewTxOut(1, []byte{0x51}))
			b.Transactions = append(b.Transactions, third)
			b.Header.MerkleRoot = root(b.Transactions)
			n.add(b)
			twice := wire.NewMsgBlock(&b.Header)
			twice.Transactions = append(slices.Clone(b.Transactions), b.Transactions[2])
			if root(twice.Transactions) != b.Header.MerkleRoot {
				panic("the attack is not one")
			}
			n.blocks = n.blocks[:2]
			n.add(twice)
		}, "bad_node"},
		"blocks that are no hexadecimal": {func(n *memNode) { n.raw[n.blocks[2].BlockHash().String()] = "zz" }, "bad_node"},
		"blocks that are empty":          {func(n *memNode) { n.raw[n.blocks[2].BlockHash().String()] = "" }, "bad_node"},
		"headers that are none": {func(n *memNode) {
			n.after = func(method string, answer any) any {
				if method == "getheaders" {
					return []string{"00"}
				}
				return answer
			}
		}, "bad_node"},
		"headers that do not follow": {func(n *memNode) {
			n.after = func(method string, answer any) any {
				if list, ok := answer.([]string); ok && method == "getheaders" && len(list) > 1 {
					return list[1:]
				}
				return answer
			}
		}, "node_unsteady"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t, "wpkh", name)
			n := fundedNode(t, f)
			tc.lie(n)
			_, err := chainaudit.Run(t.Context(), f.config(n, 0))
			if !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func TestRunRefusesWhatItCannotAudit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		edit func(c *chainaudit.Config)
		code string
	}{
		"no journal":         {func(c *chainaudit.Config) { c.Journals = nil }, "no_journal"},
		"birthday to come":   {func(c *chainaudit.Config) { c.Birthday = 3 }, "bad_birthday"},
		"negative birthday":  {func(c *chainaudit.Config) { c.Birthday = -1 }, "bad_birthday"},
		"window without end": {func(c *chainaudit.Config) { c.Gap = 1 << 31 }, "bad_window"},
		"negative final":     {func(c *chainaudit.Config) { c.Final = -1 }, "bad_window"},
		"descriptor":         {func(c *chainaudit.Config) { c.Descriptor = "wpkh()" }, "bad_descriptor"},
		"journal not there": {func(c *chainaudit.Config) {
			c.Journals[0].Open = func() (io.ReadCloser, error) { return nil, io.ErrClosedPipe }
		}, "journal_unreadable"},
		"journal of one line": {func(c *chainaudit.Config) { c.Journals[0] = textJournal("A", []string{strings.Repeat(" ", 11<<20)}) }, "journal_unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t, "wpkh", name)
			cfg := f.config(fundedNode(t, f), 0)
			tc.edit(&cfg)
			if _, err := chainaudit.Run(t.Context(), cfg); !errs.Is(err, errs.Code(tc.code)) {
				t.Errorf("got %v, want %s", err, tc.code)
			}
		})
	}
}

func TestRunStopsWhenTold(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "stop")
	n := fundedNode(t, f)
	for range 50 {
		n.mine()
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := f.config(n, 0)
	cfg.Progress = func(height, _ int32) {
		if height == 10 {
			cancel()
		}
		if height > 20 {
			t.Errorf("block %d was read after the end", height)
		}
	}
	if _, err := chainaudit.Run(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestNodeChangesItsBranch reads a payment on one branch and begins anew when the
// node leaves it.
func TestNodeChangesItsBranch(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "branch")
	n := fundedNode(t, f)
	e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
	f.write(e)
	n.mine(f.sign(e))
	for range 9 {
		n.mine()
	}
	asked := 0
	n.before = func(method string, _ []any) error {
		if method == "getheaders" {
			if asked++; asked == 2 { // eleven blocks take two
				n.blocks = n.blocks[:3]
				for range 12 {
					n.mine()
				}
			}
		}
		return nil
	}

	r, err := chainaudit.Run(t.Context(), f.config(n, 0))
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.PaidSat != 0 || len(r.Waiting) != 1 || r.Waiting[0].State != chainaudit.MayConfirm || r.Height != 14 {
		t.Errorf("report %+v", r)
	}
}

// TestPaymentDuringTheAudit is no theft: the journal is read after the blocks.
func TestPaymentDuringTheAudit(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "during")
	n := fundedNode(t, f)
	cfg := f.config(n, 0)
	e := f.build(0, 0, f.coins[:1], 1_000, pay{"anna", 40_000})
	cfg.Journals[0].Open = func() (io.ReadCloser, error) { return textJournal("A", f.journal).Open() }
	done := false
	n.before = func(method string, _ []any) error {
		if method == "gettxout" && !done {
			done = true
			f.write(e)
			n.mine(f.sign(e))
		}
		return nil
	}

	r, err := chainaudit.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK() || r.PaidSat != 40_000 || r.Height != 3 || len(r.Notes) != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestNodeThatNeverRests(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "busy")
	n := fundedNode(t, f)
	n.before = func(method string, _ []any) error {
		if method == "gettxout" {
			n.mine()
		}
		return nil
	}
	r, err := chainaudit.Run(t.Context(), f.config(n, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{chainaudit.NodeWentOn}, codes(r.Notes)); diff != "" || !r.OK() {
		t.Errorf("ok %v %s", r.OK(), diff)
	}
}

func TestNodesOwnCoinSetIsCompared(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(answer any) any{
		"spent": func(any) any { return nil },
		"worth more": func(answer any) any {
			m, ok := answer.(map[string]any)
			if ok {
				m["value"] = 4.0
			}
			return answer
		},
		"worth a fraction of a satoshi": func(answer any) any {
			m, ok := answer.(map[string]any)
			if ok {
				m["value"] = 0.0000000001
			}
			return answer
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t, "wpkh", name)
			n := fundedNode(t, f)
			n.after = func(method string, answer any) any {
				if method == "gettxout" {
					return change(answer)
				}
				return answer
			}
			r, err := chainaudit.Run(t.Context(), f.config(n, 0))
			if err != nil {
				t.Fatal(err)
			}
			d := chainaudit.NodeDisagrees
			if diff := cmp.Diff([]string{d, d, d, d}, codes(r.Alarms)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMempoolThatCannotBeRead(t *testing.T) {
	t.Parallel()
	f := newFund(t, "wpkh", "pool")
	n := fundedNode(t, f)
	n.before = func(method string, _ []any) error {
		if method == "gettxspendingprevout" {
			return errors.New("limited user not authorized for this method")
		}
		return nil
	}
	r, err := chainaudit.Run(t.Context(), f.config(n, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{chainaudit.MempoolNotRead}, codes(r.Notes)); diff != "" || !r.OK() {
		t.Errorf("ok %v %s", r.OK(), diff)
	}
}
