package ctl_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// falseBatches are batches that show other payments than their note releases.
func falseBatches(t *testing.T) map[string]client.Batch {
	t.Helper()
	change := func(f func(*client.Batch)) client.Batch {
		b := sampleBatch()
		f(&b)
		return b
	}
	renoted := func(f func(*decision.BatchNote)) client.Batch {
		return change(func(b *client.Batch) {
			n, err := decision.ParseBatch([]byte(b.Note))
			if err != nil {
				t.Fatal(err)
			}
			f(&n)
			b.Note, b.Digest = string(n.Encode()), n.Digest().String()
		})
	}
	return map[string]client.Batch{
		"another digest":        change(func(b *client.Batch) { b.Digest = strings.Repeat("ab", 32) }),
		"no note":               change(func(b *client.Batch) { b.Note = "" }),
		"note with a space":     change(func(b *client.Batch) { b.Note = strings.Replace(b.Note, "treasury 0", "treasury  0", 1) }),
		"another address shown": change(func(b *client.Batch) { b.Items[0].PayoutAddress = address2 }),
		"no address shown":      change(func(b *client.Batch) { b.Items[0].PayoutAddress = "" }),
		"another amount shown":  change(func(b *client.Batch) { b.Items[0].AmountSat-- }),
		"another decision":      change(func(b *client.Batch) { b.Items[0].DecisionDigest = strings.Repeat("ab", 32) }),
		"a payee left out":      change(func(b *client.Batch) { b.Items = b.Items[:1] }),
		"a payee twice":         change(func(b *client.Batch) { b.Items = append(b.Items, b.Items[0]) }),
		"another total shown":   change(func(b *client.Batch) { b.TotalSat-- }),
		"another number shown":  change(func(b *client.Batch) { b.Number = 8 }),
		"another fee shown":     change(func(b *client.Batch) { b.MaxFeeSat = 1 }),
		"another kind shown":    change(func(b *client.Batch) { b.Kind = "split" }),
		"another rate shown":    change(func(b *client.Batch) { b.MaxFeerateSatKvb = 1_000 }),
		"another batch noted":   renoted(func(n *decision.BatchNote) { n.Batch = id(8) }),
		"another chain":         renoted(func(n *decision.BatchNote) { n.Network.Genesis = strings.Repeat("0", 64) }),
		"unknown chain":         renoted(func(n *decision.BatchNote) { n.Network.Name = "moon" }),
		"another period noted":  renoted(func(n *decision.BatchNote) { n.Payments[0].Period = 2 }),
		"another moment noted":  renoted(func(n *decision.BatchNote) { n.Until = n.Until.Add(time.Second) }),
		"another script noted":  renoted(func(n *decision.BatchNote) { n.Payments[0].Script = n.Payments[1].Script }),
		"a payee more noted": renoted(func(n *decision.BatchNote) {
			n.Payments = append(n.Payments, decision.Payment{Decision: decision.Digest{1}, Period: 1, Script: script(address2), Amount: 1_000})
		}),
	}
}

func TestFalseBatchIsNotApproved(t *testing.T) {
	t.Parallel()
	for name, b := range falseBatches(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFund(t)
			f.on("getBatch", b)

			f.run("", "batch", "approve", "--yes", id(9).String()).want(t, 5)
			out := f.run("", "batch", "show", "-o", "json", id(9).String()).want(t, 5)

			if len(f.sentTo("approveBatch")) != 0 {
				t.Error("the batch was approved")
			}
			if strings.Contains(out.stdout, `"note_holds": true`) {
				t.Error("show says that the note holds")
			}
		})
	}
}

func TestApproveShowsTheNoteAndSendsItsDigest(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	spelt := sampleBatch() // what is shown is the note's script, not the server's spelling
	spelt.Items[0].PayoutAddress = strings.ToUpper(address1)
	f.on("getBatch", spelt)
	out := f.run("7\n", "batch", "approve", id(9).String()).want(t, 0)
	for _, want := range []string{
		"CW-7QK2 amber heron  1500000     " + address1, "CW-9ZZ1 quiet birch  700000      " + address2,
		"Total    2 200 000 sat (0.02200000 BTC)", "Max fee  20 000 sat (0.00020000 BTC), 50 sat/vB", "on mainnet",
		"To release 2 200 000 sat (0.02200000 BTC) to 2 payees, type the batch's number: ",
	} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q was not shown in:\n%s", want, out.stderr)
		}
	}
	calls := f.sentTo("approveBatch")
	if len(calls) != 1 || calls[0].header.Get("If-Match") != `"3"` {
		t.Fatalf("calls %+v", calls)
	}
	note, err := decision.ParseBatch([]byte(sampleBatch().Note))
	if err != nil {
		t.Fatal(err)
	}
	if got := decode[client.Approval](t, calls[0].body).Digest; got != note.Digest().String() {
		t.Errorf("approved digest %s, want %s", got, note.Digest())
	}
}

func TestComposeTakesWhatIsPayable(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("", "batch", "compose", "--feerate", "5", "--max-fee-sat", "900", "--payable").want(t, 0)
	got := decode[client.Order](t, f.sentTo("composeBatch")[0].body)
	if len(got.InstalmentIds) != 1 || got.InstalmentIds[0] != id(21) || got.FeerateSatKvb != 5_000 || *got.MaxFeeSat != 900 || got.MaxFeerateSatKvb != nil {
		t.Errorf("sent %+v", got)
	}
	f.on("listGrants", client.GrantPage{Items: []client.Grant{}})
	for name, args := range map[string]string{
		"nothing to pay": "--feerate 5 --payable",
		"no such rate":   "--payable --feerate -1",
		"no coin":        "--payable --coin abc:1",
		"no deadline":    "--payable --deadline-blocks -1",
		"no such list":   "--payees /nowhere/list.csv",
		"both":           "--feerate 5 --payable --instalment " + id(21).String(),
		"neither":        "--feerate 5",
		"no id":          "--feerate 5 --instalment CW-1",
	} {
		if out := f.run("", append([]string{"batch", "compose"}, strings.Fields(args)...)...); out.code != 2 {
			t.Errorf("%s: exit code %d: %s", name, out.code, out.stderr)
		}
	}
}

// walk makes watchBatch answer with one state after the other, and then with
// the last one.
func (f *fund) walk(states ...client.Batch) {
	f.answers["watchBatch"] = func(s sent) answer {
		for i, b := range states[:len(states)-1] {
			if s.query["since"][0] == b.WatchToken {
				return answer{doc: states[i+1]}
			}
		}
		return answer{doc: states[0]}
	}
}

func TestWatchWaitsForItsState(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	trouble := "The signer does not answer."
	stuck := inState("signing", 0)
	stuck.LastError = &trouble
	f.walk(inState("approved", 0), stuck, inState("broadcast", 0), inState("mined", 1), inState("paid", 3), inState("final", 6))

	out := f.run("", "batch", "watch", id(9).String(), "-o", "csv").want(t, 0)

	for _, want := range []string{"batch 7: composed\n", "batch 7: signing, 0 of 6 confirmations, abab", "(The signer does not answer.)\n", "batch 7: mined, 1 of 6 confirmations", "batch 7: paid, 3"} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q was not told in:\n%s", want, out.stderr)
		}
	}
	if !strings.Contains(out.stdout, "state,paid\n") {
		t.Errorf("stdout: %s", out.stdout)
	}
	if out := f.run("", "batch", "watch", "--until", "broadcast", id(9).String(), "-o", "csv").want(t, 0); !strings.Contains(out.stdout, "state,broadcast\n") {
		t.Errorf("stdout: %s", out.stdout)
	}
	f.run("", "batch", "watch", "--until", "spent", id(9).String()).want(t, 2)
}

func TestWatchEndsWhereThereIsNoWayOn(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"cancelled", "conflicted", "voided"} {
		f := newFund(t)
		f.walk(inState("approved", 0), inState(state, 0))
		f.run("", "batch", "watch", id(9).String()).want(t, 4)
	}
}

func TestWatchUntilABatchIsTakenBack(t *testing.T) {
	t.Parallel()
	for state, code := range map[string]int{"voided": 0, "cancelled": 4, "final": 4} {
		f := newFund(t)
		f.walk(inState("conflicted", 0), inState("voiding", 0), inState(state, 0))
		f.run("", "batch", "watch", "--until", "voided", id(9).String()).want(t, code)
	}
}

func TestStoppedWatchIsNotDone(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	ctx, stop := context.WithCancel(t.Context())
	f.answers["watchBatch"] = func(sent) answer {
		stop()
		return answer{doc: inState("approved", 0)}
	}
	f.runContext(ctx, "", "batch", "watch", id(9).String()).want(t, 1)
}
