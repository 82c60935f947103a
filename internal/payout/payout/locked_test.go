package payout_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// allowedIn says in which states a verb of a locked batch may succeed.
func allowedIn(verb string) []payout.State {
	waits := []payout.State{payout.Signing, payout.Signed, payout.Broadcast, payout.Voiding}
	switch verb {
	case "approve", "forget":
		return []payout.State{payout.Composed}
	case "cancel", "forget overdue":
		return []payout.State{payout.Composed, payout.Approved, payout.Built}
	case "add attempt":
		return []payout.State{payout.Approved}
	case "release":
		return []payout.State{payout.Built}
	case "replace", "add signature", "bring signature", "sign", "ask void", "agree void":
		return waits
	case "ask raise":
		return []payout.State{payout.Broadcast, payout.Voiding}
	case "recover", "recover void":
		return slices.DeleteFunc(payout.States(), func(s payout.State) bool { return s == payout.Voided })
	}
	return payout.States() // broadcast, withdraw and lapse ask for an attempt or a request, not for a state
}

// handler runs verbs on a batch as a store does: each on what the last one left.
type handler struct {
	rt       *rapid.T
	r        payout.Record
	now      time.Time
	people   []identity.Actor
	verb     string
	count    byte
	reserved map[wire.OutPoint]bool
	done     map[string]bool // "verb in state" that succeeded, and "from --> to"
}

func newHandler(rt *rapid.T, done map[string]bool) *handler {
	h := &handler{rt: rt, now: time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC), reserved: map[wire.OutPoint]bool{}, done: done}
	for range 3 {
		h.people = append(h.people, identity.Actor{StaffID: uuid.New()})
	}
	h.r.Batch = payout.Batch{ID: uuid.New(), Kind: payout.Consolidate, State: payout.Composed, Version: 1, Digest: decision.Digest{1}, LastError: "something"}
	h.r.Batch.Until = h.now.Add(time.Duration(rapid.IntRange(0, 4).Draw(rt, "until")) * time.Hour)
	for i := range rapid.IntRange(0, 3).Draw(rt, "payments") {
		h.r.Batch.Kind = payout.Payout
		h.r.Items = append(h.r.Items, payout.Item{InstalmentID: uuid.New(), Amount: btcutil.Amount(1000 + i), State: grant.Allocated})
	}
	return h
}

func (h *handler) anybody() identity.Actor {
	return h.people[rapid.IntRange(0, len(h.people)-1).Draw(h.rt, "who")]
}

// attempt makes one that fits the batch as it stands, or, now and then, one that must not be.
func (h *handler) attempt(kind payout.AttemptKind, no int) (a payout.Attempt, bad bool) {
	h.count++
	a = payout.Attempt{
		ID: uuid.New(), BatchID: h.r.Batch.ID, No: no, Kind: kind, TxID: chainhash.Hash{h.count}, CreatedAt: h.now,
		Inputs: []payout.AttemptInput{{OutPoint: wire.OutPoint{Index: 1}, Amount: 5000}},
	}
	if kind == payout.Pays {
		for _, it := range h.r.Items {
			a.Outputs = append(a.Outputs, payout.AttemptOutput{Vout: uint32(len(a.Outputs)), Amount: it.Amount, InstalmentID: &it.InstalmentID})
		}
	}
	if rapid.Bool().Draw(h.rt, "one coin more") {
		a.Inputs = append(a.Inputs, payout.AttemptInput{OutPoint: wire.OutPoint{Index: 100 + uint32(h.count)}, Amount: 5000})
	}
	for _, before := range h.r.Attempts { // it may spend all that any before it spends
		for _, in := range before.Inputs {
			if !slices.Contains(a.Inputs, in) {
				a.Inputs = append(a.Inputs, in)
			}
		}
	}
	switch rapid.IntRange(0, 19).Draw(h.rt, "fault") {
	case 0:
		a.BatchID, bad = uuid.New(), true
	case 1:
		a.Inputs, bad = nil, true
	case 2:
		if len(h.r.Attempts) > 0 {
			a.No, bad = h.r.Attempts[0].No, true
		}
	case 3:
		if kind == payout.Voids {
			a.Outputs, bad = []payout.AttemptOutput{{Amount: 700, InstalmentID: &uuid.UUID{}}}, true
		}
	}
	return a, bad
}

// txid names the newest attempt, or, now and then, another one.
func (h *handler) txid() (id chainhash.Hash, newest bool) {
	a, ok := h.r.Newest()
	if !ok || rapid.IntRange(0, 4).Draw(h.rt, "aim") == 0 {
		if len(h.r.Attempts) > 1 {
			return h.r.Attempts[0].TxID, h.r.Attempts[0].TxID == a.TxID
		}
		return chainhash.Hash{255}, false
	}
	return a.TxID, true
}

func (h *handler) nextNo() int {
	if a, ok := h.r.Newest(); ok {
		return a.No + 1
	}
	return 0
}

// run has a verb change the batch, and holds what it did against the rules.
func (h *handler) run(verb string, mustFail bool, do func(*payout.Locked) error) {
	h.rt.Helper()
	h.verb = verb
	l := payout.NewLocked(h.r, h.now)
	before := l.Record()
	err := do(l)
	if err != nil {
		if errs.CodeOf(err) == "" || err.Error() == "" {
			h.rt.Fatalf("%s in %s is refused without a reason: %v", verb, before.Batch.State, err)
		}
		if after := l.Record(); !reflect.DeepEqual(before, after) {
			h.rt.Fatalf("%s in %s was refused and changed the batch:\n%s", verb, before.Batch.State, cmp.Diff(before, after))
		}
		if ch := l.Changes(); !reflect.DeepEqual(payout.Changes{}, ch) {
			h.rt.Fatalf("%s in %s was refused and would be written: %+v", verb, before.Batch.State, ch)
		}
		return
	}
	if mustFail || !slices.Contains(allowedIn(verb), before.Batch.State) {
		h.rt.Fatalf("%s in %s was done", verb, before.Batch.State)
	}
	h.done[verb] = true
	h.r = l.Record()
	h.checkPath(before, l.Changes())
	h.checkAttempts(before, l.Changes())
	h.checkMoney(before, l.Changes())
}

// checkPath holds the states that a verb passed against the legal edges, and the audit leaves
// against the states.
func (h *handler) checkPath(before payout.Record, ch payout.Changes) {
	h.rt.Helper()
	from := string(before.Batch.State)
	for i, to := range ch.Path {
		e := grant.Edge{From: from, To: string(to)}
		if !slices.Contains(payout.Edges(), e) {
			h.rt.Fatalf("%s took the batch from %s to %s, which is no edge", h.verb, e.From, e.To)
		}
		leaves := ch.Entries[len(ch.Entries)-len(ch.Path):]
		if leaves[i].From != e.From || leaves[i].To != e.To {
			h.rt.Fatalf("%s went from %s to %s, and its leaf says %s to %s", h.verb, e.From, e.To, leaves[i].From, leaves[i].To)
		}
		h.done[e.From+" --> "+e.To], from = true, e.To
	}
	if from != string(h.r.Batch.State) {
		h.rt.Fatalf("%s ended in %s and its path in %s", h.verb, h.r.Batch.State, from)
	}
	silent := h.verb == "add signature" || h.verb == "lapse void" && ch.VoidEnd == nil
	if (len(ch.Entries) == 0) != silent && h.verb != "recover void" {
		h.rt.Fatalf("%s has %d leaves", h.verb, len(ch.Entries))
	}
	v := h.r.Void
	if h.r.Batch.State == payout.Voiding && (!v.Agreed() || *v.ApprovedBy == v.AskedBy) {
		h.rt.Fatalf("%s: the batch is taken back, and one person wanted that: %+v", h.verb, v)
	}
	if h.verb != "ask raise" && h.r.Batch.WantedSatKVB != before.Batch.WantedSatKVB {
		h.rt.Fatalf("%s changed the feerate that was asked for", h.verb)
	}
}

func (h *handler) checkAttempts(before payout.Record, ch payout.Changes) {
	h.rt.Helper()
	byID := map[uuid.UUID]payout.Attempt{}
	for i, a := range h.r.Attempts {
		if i > 0 && a.No <= h.r.Attempts[i-1].No {
			h.rt.Fatalf("%s: attempt %d stands after %d", h.verb, a.No, h.r.Attempts[i-1].No)
		}
		if a.Released() && h.r.Batch.State.BeforeSigning() {
			h.rt.Fatalf("%s: a signer was asked for attempt %d, and the batch is %s", h.verb, a.No, h.r.Batch.State)
		}
		if _, told := a.Broadcast(); told && len(a.Raw) == 0 {
			h.rt.Fatalf("%s: a node was told of what is not signed", h.verb)
		}
		if !slices.ContainsFunc(a.Inputs, func(in payout.AttemptInput) bool { return in.OutPoint == *h.r.Batch.Anchor }) {
			h.rt.Fatalf("%s: attempt %d does not spend the anchor", h.verb, a.No)
		}
		byID[a.ID] = a
	}
	newest, _ := h.r.Newest()
	for _, e := range ch.Events {
		a, ok := byID[e.Attempt]
		if !ok || a.ID != newest.ID && h.verb != "recover" {
			h.rt.Fatalf("%s: the event %s is for an attempt that was not meant", h.verb, e.Event.Event)
		}
		if last := a.Events[len(a.Events)-1]; last != ch.Events[len(ch.Events)-1].Event {
			h.rt.Fatalf("%s: the attempt does not know of the event %+v", h.verb, e.Event)
		}
	}
	for _, r := range ch.Raws {
		at := slices.IndexFunc(before.Attempts, func(a payout.Attempt) bool { return a.ID == r.Attempt })
		if at < 0 || len(before.Attempts[at].Raw) > 0 || r.Attempt != newest.ID {
			h.rt.Fatalf("%s stores signed bytes of an attempt that has some, or is not the newest", h.verb)
		}
	}
	if len(h.r.Attempts)-len(before.Attempts) != len(ch.NewAttempts) {
		h.rt.Fatalf("%s has %d attempts after %d, and adds %d", h.verb, len(h.r.Attempts), len(before.Attempts), len(ch.NewAttempts))
	}
}

func (h *handler) checkMoney(before payout.Record, ch payout.Changes) {
	h.rt.Helper()
	edges := grant.Edges()["instalment"]
	for _, hop := range ch.Hops {
		if e := (grant.Edge{From: string(hop.From), To: string(hop.To)}); !slices.Contains(edges, e) || hop.From == grant.MaybePaid {
			h.rt.Fatalf("%s took payments from %s to %s", h.verb, e.From, e.To)
		}
	}
	want := before.Batch.State != h.r.Batch.State && slices.Contains(ch.Path, payout.Signing) && len(h.r.Items) > 0
	if got := slices.ContainsFunc(ch.Transfers, func(t ledger.Transfer) bool { return t.Kind == ledger.KindRelease }); got != want || len(ch.Transfers) > 1 {
		h.rt.Fatalf("%s from %s to %s moves money in flight: %v", h.verb, before.Batch.State, h.r.Batch.State, ch.Transfers)
	}
	for _, it := range h.r.Items {
		if after := !h.r.Batch.State.BeforeSigning() && h.r.Batch.State != payout.Cancelled; after != (it.State == grant.MaybePaid) {
			h.rt.Fatalf("%s: the batch is %s and a payment %s", h.verb, h.r.Batch.State, it.State)
		}
	}
	if given := ch.ReleaseCoins || ch.ReleaseItems; given != (len(ch.Path) > 0 && h.r.Batch.State == payout.Cancelled) {
		h.rt.Fatalf("%s gives coins or payments back in %s", h.verb, h.r.Batch.State)
	}
	if ch.ReleaseCoins {
		clear(h.reserved)
	}
	for _, op := range ch.Reserve {
		if h.reserved[op] {
			h.rt.Fatalf("%s takes the coin %s twice", h.verb, op)
		}
		h.reserved[op] = true
	}
	for _, a := range h.r.Attempts {
		for _, in := range a.Inputs {
			if !h.reserved[in.OutPoint] && h.r.Batch.State != payout.Cancelled && a.Released() {
				h.rt.Fatalf("%s leaves the coin %s of attempt %d to others", h.verb, in.OutPoint, a.No)
			}
		}
	}
}

// chain moves the batch as the follower does, which has its own verbs.
func (h *handler) chain() {
	var next []payout.State
	for _, e := range payout.Edges() {
		to := payout.State(e.To)
		if e.From == string(h.r.Batch.State) && slices.Contains([]payout.State{payout.Mined, payout.Conflicted, payout.Broadcast}, to) && h.r.Batch.State != payout.Signed {
			next = append(next, to)
		}
	}
	if len(next) > 0 && rapid.IntRange(0, 3).Draw(h.rt, "a block") == 0 {
		slices.Sort(next)
		h.r.Batch.State = rapid.SampledFrom(next).Draw(h.rt, "to")
	}
	if h.r.Batch.State == payout.Broadcast && h.r.Void.Agreed() {
		h.r.Batch.State = payout.Voiding
	}
}

// actions are the verbs of a locked batch with arguments that fit, and some that do not.
func (h *handler) actions() map[string]func(*rapid.T) {
	reserved := func() (list []wire.OutPoint) {
		for op := range h.reserved {
			list = append(list, op)
		}
		return list
	}
	return map[string]func(*rapid.T){
		"approve": func(*rapid.T) {
			digest := h.r.Batch.Digest
			stale := rapid.IntRange(0, 3).Draw(h.rt, "stale") == 0
			if stale {
				digest[0]++
			}
			h.run("approve", stale, func(l *payout.Locked) error { return l.Approve(h.anybody(), payout.Approval{Digest: digest}) })
		},
		"give up": func(*rapid.T) {
			if rapid.IntRange(0, 5).Draw(h.rt, "really") == 0 {
				h.run("cancel", false, func(l *payout.Locked) error { return l.Cancel(h.anybody(), "") })
			} else if rapid.IntRange(0, 5).Draw(h.rt, "really") == 0 {
				verb := "forget"
				if h.now.After(h.r.Batch.Until) { // no signer may be asked any more
					verb = "forget overdue"
				}
				h.run(verb, false, func(l *payout.Locked) error { return l.Forget(h.anybody()) })
			}
		},
		"add attempt": func(*rapid.T) {
			a, bad := h.attempt(payout.Pays, h.nextNo())
			h.run("add attempt", bad, func(l *payout.Locked) error { return l.AddAttempt(h.anybody(), a) })
		},
		"release": func(*rapid.T) {
			h.run("release", false, func(l *payout.Locked) error { return l.Release(h.anybody()) })
		},
		"replace": func(*rapid.T) {
			kind := rapid.SampledFrom([]payout.AttemptKind{payout.Pays, payout.Voids}).Draw(h.rt, "kind")
			a, bad := h.attempt(kind, h.nextNo())
			txid, newest := h.txid()
			h.run("replace", bad || !newest || (kind == payout.Voids) != h.r.Void.Agreed(), func(l *payout.Locked) error { return l.Replace(h.anybody(), txid, a, "more") })
		},
		"add signature": func(*rapid.T) {
			txid, newest := h.txid()
			h.run("add signature", !newest, func(l *payout.Locked) error { return l.AddSignature(txid, payout.Signature{At: h.now}) })
		},
		"bring signature": func(*rapid.T) {
			txid, newest := h.txid()
			h.run("bring signature", !newest, func(l *payout.Locked) error { return l.BringSignature(h.anybody(), txid, payout.Signature{At: h.now}) })
		},
		"sign": func(*rapid.T) {
			txid, newest := h.txid()
			h.run("sign", !newest, func(l *payout.Locked) error { return l.Sign(h.anybody(), txid, []byte{1}) })
		},
		"broadcast": func(*rapid.T) {
			txid, newest := h.txid()
			h.run("broadcast", !newest, func(l *payout.Locked) error { return l.Broadcast(h.anybody(), txid, "") })
		},
		"ask raise": func(*rapid.T) {
			h.run("ask raise", false, func(l *payout.Locked) error { return l.AskRaise(h.anybody(), int64(h.count)) })
		},
		"ask void": func(*rapid.T) {
			who := h.anybody()
			h.run("ask void", h.r.Void != nil && !h.r.Void.Lapsed(h.now), func(l *payout.Locked) error {
				return l.AskVoid(who, payout.Void{ID: uuid.New(), Digest: decision.Digest{2}, AskedBy: who.StaffID, AskedAt: h.now})
			})
		},
		"agree void": func(*rapid.T) {
			who, v := h.anybody(), h.r.Void
			h.run("agree void", v == nil || v.Agreed() || v.AskedBy == who.StaffID || v.Lapsed(h.now), func(l *payout.Locked) error { return l.AgreeVoid(who, decision.Digest{2}) })
		},
		"withdraw void": func(*rapid.T) {
			if rapid.Bool().Draw(h.rt, "really") {
				h.run("withdraw void", h.r.Void == nil || h.r.Void.Agreed(), func(l *payout.Locked) error { return l.WithdrawVoid(h.anybody()) })
			}
		},
		"lapse void": func(*rapid.T) {
			h.now = h.now.Add(time.Duration(rapid.IntRange(0, 2).Draw(h.rt, "hours")) * time.Hour)
			h.run("lapse void", false, func(l *payout.Locked) error { l.LapseVoid(h.anybody()); return nil })
		},
		"recover": func(*rapid.T) {
			if rapid.IntRange(0, 4).Draw(h.rt, "a restore") > 0 {
				return
			}
			kind := payout.Pays
			if h.r.Void.Agreed() {
				kind = payout.Voids
			}
			a, bad := h.attempt(kind, h.nextNo()+rapid.IntRange(0, 1).Draw(h.rt, "gap"))
			if n := len(h.r.Attempts); n > 0 && rapid.Bool().Draw(h.rt, "one that is there") {
				a = h.r.Attempts[rapid.IntRange(0, n-1).Draw(h.rt, "which")]
				bad = a.Released()
			}
			h.run("recover", bad, func(l *payout.Locked) error {
				return l.Recover(h.anybody(), payout.Recovered{Attempt: a, At: h.now, Reserved: reserved()})
			})
		},
		"recover void": func(*rapid.T) {
			if len(h.r.Attempts) == 0 || h.r.Batch.State.BeforeSigning() || h.r.Batch.State == payout.Cancelled || rapid.IntRange(0, 9).Draw(h.rt, "a restore") > 0 {
				return // a journal names a void after what it takes back
			}
			asked, second := h.people[0].StaffID, h.people[1].StaffID
			if h.r.Void != nil && h.r.Void.AskedBy == second {
				asked, second = second, asked
			}
			h.run("recover void", false, func(l *payout.Locked) error {
				return l.RecoverVoid(h.people[2], payout.Void{ID: uuid.New(), Digest: decision.Digest{2}, AskedBy: asked, AskedAt: h.now}, second, nil)
			})
		},
		"": func(*rapid.T) { h.chain() },
	}
}

// TestVerbsOfABatchKeepToItsStates has random verbs, aimed well and badly, change a batch: what is
// refused changes nothing, what is done follows the legal edges, and every verb and edge is met.
func TestVerbsOfABatchKeepToItsStates(t *testing.T) {
	t.Parallel()
	want := []string{
		"approve", "forget", "forget overdue", "cancel", "add attempt", "release", "replace", "add signature", "bring signature", "sign", "broadcast", "ask raise",
		"ask void", "agree void", "withdraw void", "lapse void", "recover", "recover void",
		"composed --> approved", "composed --> cancelled", "approved --> built", "approved --> cancelled", "built --> signing", "built --> cancelled",
		"signing --> signed", "signed --> broadcast", "signing --> voiding", "signed --> voiding", "broadcast --> voiding", "cancelled --> signing",
	}
	done := map[string]bool{}
	never := func() []string {
		return slices.DeleteFunc(slices.Clone(want), func(what string) bool { return done[what] })
	}
	const least, most = 5, 50 // rounds: a rare edge may take some
	for round := 0; round < least || round < most && len(never()) > 0; round++ {
		rapid.Check(t, func(rt *rapid.T) { rt.Repeat(newHandler(rt, done).actions()) })
	}
	for _, what := range never() {
		t.Errorf("%s never happened", what)
	}
}

// TestAVerbAimsAtTheAttemptItNames has a journal name the first of two attempts, which the database
// thinks no signer was asked for: the event is the first one's, whichever is the newest.
func TestAVerbAimsAtTheAttemptItNames(t *testing.T) {
	t.Parallel()
	coin := []payout.AttemptInput{{OutPoint: wire.OutPoint{Index: 1}, Amount: 5000}}
	id := uuid.New()
	first := payout.Attempt{ID: uuid.New(), BatchID: id, No: 0, Kind: payout.Pays, TxID: chainhash.Hash{1}, Inputs: coin}
	third := payout.Attempt{ID: uuid.New(), BatchID: id, No: 2, Kind: payout.Pays, TxID: chainhash.Hash{3}, Inputs: coin, Events: []payout.AttemptEvent{{Event: "signing"}}}
	second := payout.Attempt{ID: uuid.New(), BatchID: id, No: 1, Kind: payout.Pays, TxID: chainhash.Hash{2}, Inputs: coin}
	r := payout.Record{Batch: payout.Batch{ID: id, Kind: payout.Consolidate, State: payout.Broadcast, Anchor: &coin[0].OutPoint}, Attempts: []payout.Attempt{first, third}}
	for name, a := range map[string]payout.Attempt{"that is there": first, "that was lost": second} {
		l := payout.NewLocked(r, time.Time{})
		if err := l.Recover(identity.System("worker"), payout.Recovered{Attempt: a}); err != nil {
			t.Fatal(err)
		}
		var numbers []string
		for _, x := range l.Record().Attempts {
			numbers = append(numbers, fmt.Sprint(x.No, x.Released()))
		}
		want := []string{"0 true", "2 true"}
		if name == "that was lost" {
			want = []string{"0 false", "1 true", "2 true"}
		}
		if diff := cmp.Diff(want, numbers); diff != "" {
			t.Errorf("an attempt %s: %s", name, diff)
		}
		for _, e := range l.Changes().Events {
			if e.Attempt != a.ID {
				t.Errorf("an attempt %s: %s is for another one", name, e.Event.Event)
			}
		}
		if newest, _ := l.Newest(); newest.ID != third.ID {
			t.Errorf("an attempt %s is taken for the newest", name)
		}
	}
}
