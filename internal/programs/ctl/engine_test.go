package ctl_test

import (
	"encoding/base64"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

var coinName = strings.Repeat("ef", 32) + ":1"

// sampleUpkeep is a batch that pays nobody, with a note that holds.
func sampleUpkeep() client.Batch {
	note := decision.UpkeepNote{
		Network: network(), Batch: id(9), Number: 7, Until: at.Add(decision.Life), Kind: decision.UpkeepSplit, Outputs: 4, MaxFeeRateSatKVB: 50_000, MaxFee: 20_000,
		Coins: []wire.OutPoint{{Hash: chainhash.Hash{1}, Index: 1}},
	}
	b := sampleBatch()
	b.Kind, b.Note, b.Digest, b.Items, b.Payees, b.TotalSat = "split", string(note.Encode()), note.Digest().String(), []client.BatchItem{}, 0, 0
	return b
}

// sampleVoid is the sample batch that somebody wants to take back; its second
// payment shall be cancelled.
func sampleVoid(t *testing.T) client.Batch {
	t.Helper()
	b := inState("broadcast", 0)
	own, err := decision.ParseDigest(b.Digest)
	if err != nil {
		t.Fatal(err)
	}
	note := decision.VoidNote{Network: network(), Batch: id(9), Number: 7, Note: own, Until: at.Add(decision.Life), MaxFee: 20_000}
	b.Void = &client.Void{
		Note: string(note.Encode()), Digest: note.Digest().String(), FeerateSatKvb: 12_000, FeeSat: 4_100, LapsesAt: &at, Reason: "A wrong\x1b[2J address.", CancelIds: []uuid.UUID{id(22)}, AskedBy: "Tom", AskedAt: at,
	}
	return b
}

func TestUpkeepIsApprovedByItsOwnNote(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.on("getBatch", sampleUpkeep())
	out := f.run("7\n", "batch", "approve", id(9).String()).want(t, 0)
	for _, want := range []string{"It pays nobody: split of 1 coins into 4", chainhash.Hash{1}.String() + ":1", "To release this split, which pays nobody"} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q was not shown in:\n%s", want, out.stderr)
		}
	}
	if got := decode[client.Approval](t, f.sentTo("approveBatch")[0].body).Digest; got != sampleUpkeep().Digest {
		t.Errorf("approved %s", got)
	}
	f.run("", "batch", "show", id(9).String()).want(t, 0)

	for name, change := range map[string]func(*client.Batch){
		"another kind":     func(b *client.Batch) { b.Kind = "consolidate" },
		"payments shown":   func(b *client.Batch) { b.Items = sampleBatch().Items },
		"a total shown":    func(b *client.Batch) { b.TotalSat = 1 },
		"another digest":   func(b *client.Batch) { b.Digest = strings.Repeat("ab", 32) },
		"another fee":      func(b *client.Batch) { b.MaxFeeSat++ },
		"another batch":    func(b *client.Batch) { b.Number++ },
		"a damaged note":   func(b *client.Batch) { b.Note += "\n" },
		"note of payments": func(b *client.Batch) { b.Note, b.Digest = sampleBatch().Note, sampleBatch().Digest },
	} {
		f, b := newFund(t), sampleUpkeep()
		change(&b)
		f.on("getBatch", b)
		f.run("", "batch", "approve", "--yes", id(9).String()).want(t, 5)
		if len(f.sentTo("approveBatch")) != 0 {
			t.Errorf("%s: it was approved", name)
		}
	}
}

func TestVoidIsApprovedByItsNote(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.on("getBatch", sampleVoid(t))
	out := f.run("7\n", "batch", "approve-void", id(9).String()).want(t, 0)
	for _, want := range []string{"Tom asked to take it back", "amber heron, 1500000 sat: payable again", "quiet birch, 700000 sat: CANCELLED once the void is final", "Digest   " + sampleVoid(t).Void.Digest} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q was not shown in:\n%s", want, out.stderr)
		}
	}
	if strings.Contains(out.stderr, "\x1b") {
		t.Error("the reason reaches the terminal")
	}
	call := f.sentTo("approveVoid")[0]
	if got := decode[client.Approval](t, call.body).Digest; got != sampleVoid(t).Void.Digest || call.header.Get("If-Match") != `"3"` {
		t.Errorf("approved %s of %s", got, call.header.Get("If-Match"))
	}

	renoted := func(change func(*decision.VoidNote)) func(*client.Batch) {
		return func(b *client.Batch) {
			n, err := decision.ParseVoid([]byte(b.Void.Note))
			if err != nil {
				t.Fatal(err)
			}
			change(&n)
			b.Void.Note, b.Void.Digest = string(n.Encode()), n.Digest().String()
		}
	}
	for name, change := range map[string]func(*client.Batch){
		"another digest":         func(b *client.Batch) { b.Void.Digest = strings.Repeat("ab", 32) },
		"a damaged note":         func(b *client.Batch) { b.Void.Note += " " },
		"the batch's note":       func(b *client.Batch) { b.Void.Note, b.Void.Digest = b.Note, b.Digest },
		"a batch that is false":  func(b *client.Batch) { b.Items[0].AmountSat-- },
		"void of another batch":  renoted(func(n *decision.VoidNote) { n.Batch = id(8) }),
		"void of another number": renoted(func(n *decision.VoidNote) { n.Number = 8 }),
		"void of another note":   renoted(func(n *decision.VoidNote) { n.Note = decision.Digest{1} }),
		"void of a higher fee":   renoted(func(n *decision.VoidNote) { n.MaxFee++ }),
		"void on another chain":  renoted(func(n *decision.VoidNote) { n.Network.Genesis = strings.Repeat("0", 64) }),
	} {
		f, b := newFund(t), sampleVoid(t)
		change(&b)
		f.on("getBatch", b)
		f.run("", "batch", "approve-void", "--yes", id(9).String()).want(t, 5)
		if len(f.sentTo("approveVoid")) != 0 {
			t.Errorf("%s: it was approved", name)
		}
	}

	by := "Ann"
	for name, x := range map[string]struct {
		change func(*client.Batch)
		flags  string
		code   int
	}{
		"nobody asked":     {func(b *client.Batch) { b.Void = nil }, "--yes", 4},
		"agreed already":   {func(b *client.Batch) { b.Void.ApprovedBy = &by }, "--yes", 4},
		"another was read": {func(*client.Batch) {}, "--yes --digest " + strings.Repeat("ab", 32), 4},
		"dry run":          {func(*client.Batch) {}, "--dry-run", 0},
		"not confirmed":    {func(*client.Batch) {}, "", 1},
	} {
		f, b := newFund(t), sampleVoid(t)
		x.change(&b)
		f.on("getBatch", b)
		f.run("8\n", append([]string{"batch", "approve-void", id(9).String()}, strings.Fields(x.flags)...)...).want(t, x.code)
		if len(f.sentTo("approveVoid")) != 0 {
			t.Errorf("%s: it was approved", name)
		}
	}
}

func TestBumpAndVoidSendTheVersionThatWasRead(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("", "batch", "bump", id(9).String(), "--feerate", "9.125").want(t, 0)
	call := f.sentTo("bumpBatch")[0]
	if got := decode[client.Bump](t, call.body).FeerateSatKvb; got != 9_125 || call.header.Get("If-Match") != `"3"` {
		t.Errorf("bump: %d of %s", got, call.header.Get("If-Match"))
	}
	f.run("7\n", "batch", "void", id(9).String(), "--reason", "Wrong address.", "--cancel-instalment", id(22).String()).want(t, 0)
	call = f.sentTo("askVoid")[0]
	ids := []uuid.UUID{id(22)}
	if diff := cmp.Diff(client.VoidOrder{Reason: "Wrong address.", CancelIds: &ids}, decode[client.VoidOrder](t, call.body)); diff != "" || call.header.Get("If-Match") != `"3"` {
		t.Errorf("void of %s: %s", call.header.Get("If-Match"), diff)
	}
	f.run("no\n", "batch", "void", id(9).String(), "--reason", "x").want(t, 1)
	f.run("", "batch", "withdraw-void", id(9).String()).want(t, 0)
	if got := f.sentTo("withdrawVoid"); len(got) != 1 || got[0].header.Get("If-Match") != `"3"` {
		t.Errorf("withdrew %v", got)
	}
	for _, args := range []string{"batch bump ID", "batch bump ID --feerate 0", "batch void ID", "batch void ID --reason x --cancel-instalment 1", "batch void ID --reason x --feerate -1"} {
		f.run("7\n", strings.Fields(strings.ReplaceAll(args, "ID", id(9).String()))...).want(t, 2)
	}
	if len(f.sentTo("bumpBatch")) != 1 || len(f.sentTo("askVoid")) != 1 {
		t.Error("a call with bad flags was sent")
	}
}

func TestRefusalsNameFieldAndRule(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	detail := "Some fields need another look. Nothing was saved."
	errors := []client.FieldError{{Field: "feerate_sat_kvb", Code: "out_of_range", Message: "The new feerate is from 6 to the approved 50 sat/vB."}}
	f.refuse("bumpBatch", http.StatusUnprocessableEntity, client.Problem{Type: "/problems/invalid_fields", Title: "t", Status: 422, Detail: &detail, Errors: &errors})
	out := f.run("", "batch", "bump", id(9).String(), "--feerate", "9.125").want(t, 1)
	for _, want := range []string{"feerate_sat_kvb", "from 6 to the approved 50 sat/vB"} {
		if !strings.Contains(out.stderr, want) {
			t.Errorf("%q is not told in %s", want, out.stderr)
		}
	}
}

func TestPSBTGoesOutAndComesBack(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	raw := []byte("psbt\xff\x00\x01")
	f.answers["exportPsbt"] = func(sent) answer { return answer{raw: raw, kind: "application/octet-stream"} }

	out := f.run("", "batch", "psbt", "export", id(9).String()).want(t, 0)
	if got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(out.stdout)); err != nil || string(got) != string(raw) {
		t.Errorf("standard output has %q, %v", out.stdout, err)
	}
	path := filepath.Join(t.TempDir(), "batch.psbt")
	f.run("", "batch", "psbt", "export", "--file", path, id(9).String()).want(t, 0)
	if got, err := os.ReadFile(path); err != nil || string(got) != string(raw) {
		t.Errorf("the file has %q, %v", got, err)
	}
	f.run("", "batch", "psbt", "export", "--file", path, id(9).String()).want(t, 2)

	for _, from := range []string{path, "-"} {
		out = f.run(string(raw), "batch", "psbt", "import", id(9).String(), from).want(t, 0)
		calls := f.sentTo("importPsbt")
		if got := string(calls[len(calls)-1].body); got != string(raw) || !strings.Contains(out.stdout, "2 of 3") {
			t.Errorf("sent %q, told %s", got, out.stdout)
		}
	}
	f.run("", "batch", "psbt", "import", id(9).String(), "/nowhere.psbt").want(t, 2)
	f.answers["exportPsbt"] = func(sent) answer { return answer{raw: []byte("<html>"), kind: "application/octet-stream"} }
	f.run("", "batch", "psbt", "export", id(9).String()).want(t, 1)
}

func TestUpkeepSendsItsFlags(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	four, parent, rate, coins := int32(4), id(9), int64(40_500), []string{coinName}
	for _, x := range []struct {
		args string
		want client.Upkeep
	}{
		{"consolidate --coin " + coinName + " --feerate 2", client.Upkeep{Kind: client.Consolidate, Coins: &coins, FeerateSatKvb: 2_000}},
		{"split --outputs 4", client.Upkeep{Kind: client.Split, Outputs: &four}},
		{"child " + parent.String() + " --max-feerate 40.5", client.Upkeep{Kind: client.Child, Parent: &parent, MaxFeerateSatKvb: &rate}},
	} {
		f.run("", append([]string{"upkeep"}, strings.Fields(x.args)...)...).want(t, 0)
		calls := f.sentTo("composeUpkeep")
		if diff := cmp.Diff(x.want, decode[client.Upkeep](t, calls[len(calls)-1].body)); diff != "" {
			t.Errorf("%s: %s", x.args, diff)
		}
	}
	for _, args := range []string{"split", "split --outputs 1", "child", "child CW-1", "consolidate --coin x", "consolidate --max-fee-sat -1", "consolidate --feerate 0.0001", "consolidate --feerate 1,5", "sell"} {
		f.run("", append([]string{"upkeep"}, strings.Fields(args)...)...).want(t, 2)
	}
	if n := len(f.sentTo("composeUpkeep")); n != 3 {
		t.Errorf("%d calls", n)
	}
}

func TestCoinsAreLockedByTheirWholeName(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	f.run("", "coins", "lock", coinName, "--reason", "kept for the rent").want(t, 0)
	if got := decode[client.NewLock](t, f.sentTo("lockCoin")[0].body).Reason; got != "kept for the rent" {
		t.Errorf("sent %q", got)
	}
	f.run("", "coins", "unlock", coinName).want(t, 0)
	for _, args := range []string{"lock " + coinName, "lock x --reason y", "unlock x", "unlock " + coinName + "x", "unlock " + strings.ToUpper(coinName)} {
		f.run("", append([]string{"coins"}, strings.Fields(args)...)...).want(t, 2)
	}
	if len(f.sentTo("lockCoin"))+len(f.sentTo("unlockCoin")) != 2 {
		t.Error("a call with a bad coin was sent")
	}
}

// TestUnjoinedPaymentsAreShownAndSettled lists what was lost and settles it.
func TestUnjoinedPaymentsAreShownAndSettled(t *testing.T) {
	t.Parallel()
	f := newFund(t)
	lost := client.UnjoinedPayment{
		Outpoint: coinName, BatchId: id(9), BatchNumber: 7, BatchState: "mined", Address: "sb1q", AmountSat: 100_000, Period: 2, Decision: strings.Repeat("ab", 32), FoundAt: at,
	}
	f.on("listUnjoined", client.UnjoinedPage{Items: []client.UnjoinedPayment{lost}})
	out := f.run("", "unjoined").want(t, 0)
	for _, want := range []string{coinName, "mined", "100000", "sb1q", strings.Repeat("ab", 32)} {
		if !strings.Contains(out.stdout, want) {
			t.Errorf("%q is not in:\n%s", want, out.stdout)
		}
	}
	f.on("joinUnjoined", lost)
	f.on("separateUnjoined", lost)
	f.run("", "unjoined", "join", coinName, id(22).String()).want(t, 0)
	if got := decode[client.NewJoin](t, f.sentTo("joinUnjoined")[0].body).InstalmentId; got != id(22) {
		t.Errorf("joined %s", got)
	}
	f.run("", "unjoined", "separate", coinName, "--reason", "the second year").want(t, 0)
	if got := decode[client.NewSeparation](t, f.sentTo("separateUnjoined")[0].body).Reason; got != "the second year" {
		t.Errorf("separated because of %q", got)
	}
	for _, args := range []string{"join x " + id(22).String(), "join " + coinName + " x", "separate " + coinName, "separate x --reason y"} {
		f.run("", append([]string{"unjoined"}, strings.Fields(args)...)...).want(t, 2)
	}
}
