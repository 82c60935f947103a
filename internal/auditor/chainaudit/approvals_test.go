package chainaudit_test

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/errs"
)

// released is when the signer of a test journals.
var released = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// leaf is a row of an audit log; its number is its place.
type leaf struct {
	Action string `json:"action"`
	Actor  string `json:"actor"`
	At     string `json:"at"`
	Digest string `json:"digest"`
	From   string `json:"from"`
	Object string `json:"object_id"`
	Kind   string `json:"object_kind"`
	Seq    int64  `json:"seq"`
	To     string `json:"to"`
}

func staff(name string) string { return "staff:" + uuid.NewSHA1(uuid.Nil, []byte(name)).String() }

func did(who, action, object, digest, to string) leaf {
	kind, _, _ := strings.Cut(action, ".")
	return leaf{Action: action, Actor: who, At: released.Add(-time.Hour).Format(time.RFC3339), Digest: digest, Object: object, Kind: kind, To: to}
}

// granted is the review of what a payment of the tests pays.
func (f *fund) granted(who string) []leaf {
	application, digest := f.id("application "+who).String(), sha("decision "+who)
	return []leaf{
		did(staff("ada"), "application.voted_approve", application, digest, ""), did(staff("bo"), "application.voted_approve", application, digest, "ready"),
		did(staff("ada"), "application.approved", application, digest, "approved"),
	}
}

func approved(e *entry) leaf {
	return did(staff("cy"), "batch.approved", e.line.Batch, e.line.BatchNote, "approved")
}

func signing(e *entry) leaf {
	return did("system:worker", "batch.signing", e.line.Batch, e.line.BatchNote, "signing")
}

func log(leaves ...leaf) chainaudit.AuditLog {
	texts := make([]string, len(leaves))
	for i, l := range leaves {
		l.Seq = int64(i)
		text, err := json.Marshal(l)
		if err != nil {
			panic(err)
		}
		texts[i] = string(text)
	}
	return bundle(texts, int64(len(texts)))
}

func bundle(leaves []string, rows int64) chainaudit.AuditLog {
	text, err := json.Marshal(map[string]any{"format": "causeway/audit-bundle/v1", "from": 0, "leaves": leaves, "checkpoints": []string{}})
	if err != nil {
		panic(err)
	}
	return chainaudit.AuditLog{Name: "log", Rows: rows, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(text))), nil }}
}

// approvalRig is a treasury with a payout of two, a void, an upkeep batch and a
// payout that waits, and the log that a fund has of them.
type approvalRig struct {
	f                             *fund
	node                          chainaudit.Node
	paid, taken, void, split, due *entry
	leaves                        []leaf
}

func newApprovalRig(t testing.TB) *approvalRig {
	t.Helper()
	f := newFund(t, "wpkh", "approvals")
	node := fundedNode(t, f)
	r := &approvalRig{f: f, node: node}
	r.paid = f.build(1, 0, f.coins[:1], 1_000, pay{"anna", 40_000}, pay{"ben", 10_000})
	r.taken = f.build(2, 0, f.coins[1:2], 1_000, pay{"cleo", 40_000})
	r.void = f.void(r.taken, 2_000)
	r.split = f.upkeep(3, "split", f.coins[2:3], 2, 1_000)
	r.due = f.build(4, 0, f.coins[3:4], 1_000, pay{"dana", 40_000})
	f.write(r.paid, r.taken, r.void, r.split, r.due)
	for _, e := range []*entry{r.void, r.paid, r.split} { // the void is final
		node.mine(f.sign(e))
	}
	for _, who := range []string{"anna", "ben", "cleo", "dana"} {
		r.leaves = append(r.leaves, f.granted(who)...)
	}
	for _, e := range []*entry{r.paid, r.taken, r.split, r.due} {
		r.leaves = append(r.leaves, approved(e), signing(e))
	}
	r.leaves = append(r.leaves, did(staff("di"), "batch.void_approved", r.void.line.Batch, sha(r.void.line.Void), ""))
	return r
}

// at is the place of the first row with action about object or digest.
func (r *approvalRig) at(t *testing.T, action, about string) int {
	t.Helper()
	i := slices.IndexFunc(r.leaves, func(l leaf) bool { return l.Action == action && (l.Object == about || l.Digest == about) })
	if i < 0 {
		t.Fatalf("no %s of %s", action, about)
	}
	return i
}

func (r *approvalRig) run(t testing.TB, accept []uint32, logs ...chainaudit.AuditLog) chainaudit.Report {
	t.Helper()
	cfg := r.f.config(r.node, 0)
	cfg.Logs, cfg.AcceptLost = logs, accept
	report, err := chainaudit.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestEveryPaymentHasItsApprovals(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	if got := r.run(t, nil); got.Approvals != nil || !got.OK() {
		t.Errorf("without a log: %+v, alarms %v", got.Approvals, got.Alarms)
	}
	got := r.run(t, nil, log(r.leaves...))
	want := &chainaudit.Approvals{
		Logs: []chainaudit.LogRead{{Name: "log", Rows: int64(len(r.leaves))}}, Payments: 2, Approved: 2, Others: 2, OthersApproved: 2,
	}
	if diff := cmp.Diff(want, got.Approvals); diff != "" || !got.OK() {
		t.Errorf("%s\nalarms %v", diff, got.Alarms)
	}
}

// TestPaymentWithoutItsApprovalIsAnAlarm takes from the log, or bends, one leaf at a
// time: what a thief leaves out, or forges.
func TestPaymentWithoutItsApprovalIsAnAlarm(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	anna, ben, dana := sha("decision anna"), sha("decision ben"), sha("decision dana")
	one, three, four := r.paid.line.Batch, r.split.line.Batch, r.due.line.Batch
	voided := sha(r.void.line.Void)
	drop := func(*leaf) bool { return false }
	tests := map[string]struct {
		action, about string
		change        func(l *leaf) bool // false: the row is dropped
		want          []string
		says          string
		payments, of  int // approved ones
		others        int
	}{
		"no grant":             {"application.approved", ben, drop, []string{chainaudit.ApprovalMissing}, "no application.approved leaf", 1, 2, 2},
		"no grant, waiting":    {"application.approved", dana, drop, []string{chainaudit.ApprovalMissing}, r.f.id("dana").String(), 2, 2, 2},
		"grant of another":     {"application.approved", anna, func(l *leaf) bool { l.Digest = sha("x"); return true }, []string{chainaudit.ApprovalMissing}, r.f.id("anna").String(), 1, 2, 2},
		"one vote":             {"application.voted_approve", anna, drop, []string{chainaudit.VotesMissing}, "1 votes", 1, 2, 2},
		"flipped vote":         {"application.voted_approve", anna, func(l *leaf) bool { l.Action = "application.voted_decline"; return true }, []string{chainaudit.VotesMissing}, "1 votes", 1, 2, 2},
		"two votes of one":     {"application.voted_approve", anna, func(l *leaf) bool { l.Actor = staff("bo"); return true }, []string{chainaudit.VotesMissing}, "1 votes", 1, 2, 2},
		"vote of the worker":   {"application.voted_approve", anna, func(l *leaf) bool { l.Actor = "system:worker"; return true }, []string{chainaudit.VotesMissing}, "1 votes", 1, 2, 2},
		"no batch":             {"batch.approved", one, drop, []string{chainaudit.ApprovalMissing}, "Batch 1", 0, 2, 2},
		"no batch, waiting":    {"batch.approved", four, drop, []string{chainaudit.ApprovalMissing}, "Batch 4", 2, 2, 2},
		"no upkeep":            {"batch.approved", three, drop, []string{chainaudit.ApprovalMissing}, "Batch 3", 2, 2, 1},
		"another digest":       {"batch.approved", one, func(l *leaf) bool { l.Digest = sha("x"); return true }, []string{chainaudit.ApprovalDiffers}, "approves another one", 0, 2, 2},
		"another batch":        {"batch.approved", one, func(l *leaf) bool { l.Object = r.f.id("x").String(); return true }, []string{chainaudit.ApprovalDiffers}, "for another batch", 0, 2, 2},
		"another kind":         {"batch.approved", one, func(l *leaf) bool { l.Kind = "grant"; return true }, []string{chainaudit.ApprovalMissing}, "Batch 1", 0, 2, 2},
		"by the worker":        {"batch.approved", one, func(l *leaf) bool { l.Actor = "system:worker"; return true }, []string{chainaudit.ApprovalActor}, "who is not on the staff", 0, 2, 2},
		"by a reviewer":        {"batch.approved", one, func(l *leaf) bool { l.Actor = staff("bo"); return true }, []string{chainaudit.ApprovalActor}, "voted on one", 0, 2, 2},
		"granted by the app":   {"application.approved", anna, func(l *leaf) bool { l.Actor = "system:web"; return true }, []string{chainaudit.ApprovalActor}, "who is not on the staff", 1, 2, 2},
		"dated after":          {"batch.approved", one, func(l *leaf) bool { l.At = "2026-11-26T12:10:01Z"; return true }, []string{chainaudit.ApprovalLate}, "12:10:01", 0, 2, 2},
		"within the clocks":    {"batch.approved", one, func(l *leaf) bool { l.At = "2026-11-26T12:10:00Z"; return true }, []string{}, "", 2, 2, 2},
		"grant dated after":    {"application.approved", anna, func(l *leaf) bool { l.At = "2026-11-27T12:00:00Z"; return true }, []string{chainaudit.ApprovalLate}, "released at", 1, 2, 2},
		"no void":              {"batch.void_approved", voided, drop, []string{chainaudit.ApprovalMissing}, "Taking back batch 2", 2, 2, 1},
		"void of the batch":    {"batch.void_approved", voided, func(l *leaf) bool { l.Digest = r.void.line.BatchNote; return true }, []string{chainaudit.ApprovalDiffers}, "Taking back batch 2", 2, 2, 1},
		"void of another":      {"batch.void_approved", voided, func(l *leaf) bool { l.Object = one; return true }, []string{chainaudit.ApprovalDiffers}, "another batch", 2, 2, 1},
		"void dated after":     {"batch.void_approved", voided, func(l *leaf) bool { l.At = "2026-11-27T12:00:00Z"; return true }, []string{chainaudit.ApprovalLate}, "released at", 2, 2, 1},
		"void by the worker":   {"batch.void_approved", voided, func(l *leaf) bool { l.Actor = "system:worker"; return true }, []string{chainaudit.ApprovalActor}, "who is not on the staff", 2, 2, 1},
		"cancelled is allowed": {"batch.approved", r.taken.line.Batch, drop, []string{}, "", 2, 2, 2}, // it is dead, and its void counts
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			leaves := slices.Clone(r.leaves)
			at := r.at(t, tt.action, tt.about)
			if !tt.change(&leaves[at]) {
				leaves = slices.Delete(leaves, at, at+1)
			}
			got := r.run(t, nil, log(leaves...))
			if diff := cmp.Diff(tt.want, codes(got.Alarms)); diff != "" || got.OK() != (len(tt.want) == 0) {
				t.Fatalf("%s\n%v", diff, got.Alarms)
			}
			if len(tt.want) > 0 && !strings.Contains(got.Alarms[0].Text, tt.says) {
				t.Errorf("says %q", got.Alarms[0].Text)
			}
			a := got.Approvals
			if a.Approved != tt.payments || a.Payments != tt.of || a.Others != 2 || a.OthersApproved != tt.others {
				t.Errorf("counts %+v", a)
			}
		})
	}
}

// TestApprovalBehindThePaymentIsAnAlarm dates the leaf back and has to put it where
// the log ends: only its place tells.
func TestApprovalBehindThePaymentIsAnAlarm(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	for _, x := range []struct{ action, about string }{{"batch.approved", r.paid.line.Batch}, {"application.approved", sha("decision anna")}} {
		leaves := slices.Clone(r.leaves)
		at := r.at(t, x.action, x.about)
		moved := leaves[at]
		leaves = append(slices.Delete(leaves, at, at+1), moved)
		got := r.run(t, nil, log(leaves...))
		if diff := cmp.Diff([]string{chainaudit.ApprovalLate}, codes(got.Alarms)); diff != "" || !strings.Contains(got.Alarms[0].Text, "only after row") {
			t.Errorf("%s: %s\n%v", x.action, diff, got.Alarms)
		}
	}
}

// TestLostApprovalIsAnAlarmOfItsOwn rebuilds a batch after a restore: never silently
// good, and good again with a log that was kept, or once the reader says so.
func TestLostApprovalIsAnAlarmOfItsOwn(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	at := r.at(t, "batch.approved", r.paid.line.Batch)
	lost := slices.Delete(slices.Clone(r.leaves), at, at+1)
	lost = append(lost, did("system:worker", "batch.recovered", r.paid.line.Batch, r.paid.line.BatchNote, "signing"))

	got := r.run(t, nil, log(lost...))
	if diff := cmp.Diff([]string{chainaudit.ApprovalLost}, codes(got.Alarms)); diff != "" || got.Approvals.Approved != 0 || !strings.Contains(got.Alarms[0].Text, "lost with the restored database") {
		t.Errorf("%s\n%v", diff, got.Alarms)
	}
	if got = r.run(t, []uint32{2, 3}, log(lost...)); got.OK() {
		t.Error("another batch was accepted, and this one counted")
	}
	got = r.run(t, []uint32{1}, log(lost...))
	if diff := cmp.Diff([]string{chainaudit.LostAccepted}, codes(got.Notes)); diff != "" || !got.OK() || got.Approvals.Accepted != 1 || got.Approvals.Approved != 0 {
		t.Errorf("accepted: %s\n%+v, alarms %v", diff, got.Approvals, got.Alarms)
	}
	if got = r.run(t, nil, log(lost...), log(r.leaves...)); !got.OK() || got.Approvals.Approved != 2 {
		t.Errorf("with the log from before: %+v, %v", got.Approvals, got.Alarms)
	}

	// A row that says recovered of another digest, and acceptance, excuse nothing.
	lost[len(lost)-1].Digest = sha("x")
	got = r.run(t, []uint32{1}, log(lost...))
	if diff := cmp.Diff([]string{chainaudit.ApprovalMissing}, codes(got.Alarms)); diff != "" {
		t.Errorf("%s\n%v", diff, got.Alarms)
	}
}

// TestRowsBehindTheSignedOnesCountForNothing adds the leaf where no checkpoint
// vouches for it.
func TestRowsBehindTheSignedOnesCountForNothing(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	at := r.at(t, "batch.void_approved", sha(r.void.line.Void))
	if at != len(r.leaves)-1 {
		t.Fatal("the last row is another one")
	}
	l := log(r.leaves...)
	l.Rows--
	got := r.run(t, nil, l)
	if diff := cmp.Diff([]string{chainaudit.ApprovalMissing}, codes(got.Alarms)); diff != "" {
		t.Errorf("%s\n%v", diff, got.Alarms)
	}
}

func TestLogThatIsNoneStopsTheAudit(t *testing.T) {
	t.Parallel()
	r := newApprovalRig(t)
	text := func(s string) chainaudit.AuditLog {
		return chainaudit.AuditLog{Name: "log", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }}
	}
	short := log(r.leaves...)
	short.Rows++
	for name, bad := range map[string]chainaudit.AuditLog{
		"nothing":        text(""),
		"no bundle":      text("{}"),
		"another format": text(`{"format":"causeway/audit-bundle/v2"}`),
		"a stretch":      text(`{"format":"causeway/audit-bundle/v1","from":7,"leaves":[]}`),
		"too short":      short,
		"no leaf":        bundle([]string{"x"}, 1),
		"another row":    bundle([]string{`{"seq":1,"at":"2026-11-26T12:00:00Z"}`}, 1),
		"a name twice":   bundle([]string{`{"seq":0,"seq":0,"at":"2026-11-26T12:00:00Z"}`}, 1),
		"no time":        bundle([]string{`{"seq":0,"at":"today"}`}, 1),
		"not there":      {Name: "log", Open: func() (io.ReadCloser, error) { return nil, errors.New("gone") }},
	} {
		cfg := r.f.config(r.node, 0)
		cfg.Logs = []chainaudit.AuditLog{bad}
		if _, err := chainaudit.Run(t.Context(), cfg); !errs.Is(err, "log_unreadable") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzAuditLog reads any text as an audit log: it never makes a payment good.
func FuzzAuditLog(f *testing.F) {
	r := newApprovalRig(f)
	good, err := log(r.leaves...).Open()
	if err != nil {
		f.Fatal(err)
	}
	text, err := io.ReadAll(good)
	if err != nil {
		f.Fatal(err)
	}
	one := r.leaves[0]
	for _, l := range r.leaves {
		if l.Action == "batch.approved" {
			one = l
			break
		}
	}
	b, err := json.Marshal(one)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(b), int64(1))
	f.Add(string(text), int64(len(r.leaves)))
	f.Add("x", int64(0))
	f.Fuzz(func(t *testing.T, text string, rows int64) {
		cfg := r.f.config(r.node, 0)
		cfg.Logs = []chainaudit.AuditLog{{Name: "log", Rows: rows, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}
		report, err := chainaudit.Run(t.Context(), cfg)
		if err != nil {
			return
		}
		var b struct{ Leaves []string }
		_ = json.Unmarshal([]byte(text), &b)
		named := map[string]bool{}
		for _, one := range b.Leaves {
			var l leaf
			_ = json.Unmarshal([]byte(one), &l)
			if l.Action == "application.approved" {
				named[l.Digest] = true
			}
		}
		if report.Approvals.Approved > len(named) {
			t.Fatalf("%d payments are approved, and %d digests are named", report.Approvals.Approved, len(named))
		}
	})
}
