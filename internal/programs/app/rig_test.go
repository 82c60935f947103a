package app_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/auditor/chainaudit"
	"github.com/causeway-fund/causeway/internal/programs/demo"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/btcdnode"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// programs is the folder with causeway and causeway-signer, which can kill
// themselves at a label, and btcd. TestMain sets it before any test runs.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "causeway-app-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := build(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	return m.Run()
}

func build(ctx context.Context, dir string) error {
	for _, program := range []string{"causeway", "causeway-signer"} {
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", "crash", "-o", filepath.Join(dir, program), "../../../cmd/"+program)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", program, err, out)
		}
	}
	btcd, err := btcdnode.Tool(ctx)
	if err != nil {
		return err
	}
	return os.Symlink(btcd, filepath.Join(dir, "btcd"))
}

// rig is a world of real processes with a funded treasury and staff who work
// through the HTTP API.
type rig struct {
	*demo.World
	t         testing.TB
	dir       string
	reviewers [2]*client.API
	treasurer *client.API
	auditor   *client.API
}

// deposits are enough coins for a batch each, so that none waits for change.
func deposits(n int) []btcutil.Amount {
	all := make([]btcutil.Amount, n)
	for i := range all {
		all[i] = 10_000_000 + btcutil.Amount(i)
	}
	return all
}

func newRig(t testing.TB, coins int) *rig {
	t.Helper()
	return newRigOf(t, coins, demo.Config{})
}

// newRigOf is newRig for a world with further parts.
func newRigOf(t testing.TB, coins int, cfg demo.Config) *rig {
	t.Helper()
	cfg.Volatile = true
	r := newWorld(t, cfg)
	r.must(r.Fund(t.Context(), deposits(coins)...))
	return r
}

// newWorld is a rig of exactly cfg, in a folder of its own and without a coin.
func newWorld(t testing.TB, cfg demo.Config) *rig {
	t.Helper()
	dir := t.TempDir()
	for d := dir; d != os.TempDir(); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil { // PostgreSQL's own account must pass
			t.Fatal(err)
		}
	}
	r := &rig{t: t, dir: filepath.Join(dir, "world")}
	cfg.Dir, cfg.Admin, cfg.Programs, cfg.Log = r.dir, true, programs, slog.New(slog.DiscardHandler)
	w, err := demo.Start(t.Context(), cfg)
	r.must(err)
	r.World = w
	t.Cleanup(func() {
		if t.Failed() {
			r.tail()
		}
		if err := w.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop the world: %v", err)
		}
	})
	people, err := w.Staff(t.Context())
	r.must(err)
	r.reviewers = [2]*client.API{r.as(people[0]), r.as(people[1])}
	for _, p := range people {
		switch p.Role {
		case identity.RoleTreasurer:
			r.treasurer = r.as(p)
		case identity.RoleAuditor:
			r.auditor = r.as(p)
		case identity.RoleReviewer, identity.RoleAdmin:
		}
	}
	return r
}

// tail shows the end of the programs' log, for a test that failed.
func (r *rig) tail() {
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(r.logs()), "\n"), func(line string) bool { return strings.Contains(line, `"msg":"request"`) })
	r.t.Logf("last lines of causeway.log:\n%s", strings.Join(lines[max(0, len(lines)-12):], "\n"))
}

func (r *rig) logs() string {
	text, err := os.ReadFile(filepath.Join(r.dir, "causeway.log"))
	r.must(err)
	return string(text)
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// as returns the API with a token, as if p had made it on their profile.
func (r *rig) as(p demo.Person) *client.API {
	r.t.Helper()
	_, secret, err := r.Services.Identity.CreateToken(r.t.Context(), p.Actor, "test", identity.Scopes(p.Actor.Roles), time.Hour)
	r.must(err)
	return r.api(client.Options{Token: secret})
}

func (r *rig) api(o client.Options) *client.API {
	r.t.Helper()
	api, err := client.New(r.URL, o)
	r.must(err)
	return api
}

// freshAddress is one that was never paid to and that nobody has the key of.
func freshAddress(t testing.TB) string {
	t.Helper()
	var hash [20]byte
	_, err := rand.Read(hash[:])
	if err != nil {
		t.Fatal(err)
	}
	a, err := address.NewAddressWitnessPubKeyHash(hash[:], &chaincfg.SimNetParams)
	if err != nil {
		t.Fatal(err)
	}
	return a.EncodeAddress()
}

// operator is somebody whose application was granted.
type operator struct {
	address    string
	amountSat  int64
	receipt    string
	instalment uuid.UUID
}

func application(t testing.TB, amountSat int64) client.NewApplication {
	t.Helper()
	return client.NewApplication{
		Title: "One SOCKS5 proxy for a test", Narrative: "A proxy on loopback that an end-to-end test applies with.",
		Endpoints: []client.Endpoint{{Protocol: "socks5", Host: "127.0.0.1", Port: 1080}}, Region: "other", Language: "en",
		AmountSat: amountSat, PayoutAddress: freshAddress(t),
	}
}

// granted takes n fresh applications through two votes and the decision.
func (r *rig) granted(n int) []operator {
	r.t.Helper()
	ctx := r.t.Context()
	all := make([]operator, n)
	for i := range all {
		form := application(r.t, 100_000+int64(i))
		receipt, err := r.api(client.Options{}).SubmitApplicationWithResponse(ctx, &client.SubmitApplicationParams{IdempotencyKey: client.NewIdempotencyKey()}, form)
		r.must(err)
		id := r.find(receipt.JSON201.Reference)
		r.vote(0, id)
		r.vote(1, id)
		all[i] = operator{address: form.PayoutAddress, amountSat: form.AmountSat, receipt: receipt.JSON201.ReceiptCode, instalment: r.decide(id)}
	}
	return all
}

// find returns the id of the application that reviewers see under reference.
func (r *rig) find(reference string) uuid.UUID {
	r.t.Helper()
	queue, err := r.reviewers[0].ListApplicationsWithResponse(r.t.Context(), &client.ListApplicationsParams{})
	r.must(err)
	for _, a := range queue.JSON200.Items {
		if a.Reference == reference {
			return a.Id
		}
	}
	r.t.Fatalf("the queue does not hold %s", reference)
	return uuid.Nil
}

func (r *rig) vote(reviewer int, id uuid.UUID) {
	r.t.Helper()
	a, err := r.reviewers[reviewer].GetApplicationWithResponse(r.t.Context(), id)
	r.must(err)
	note := "The applications of a test are alike."
	_, err = r.reviewers[reviewer].VoteApplicationWithResponse(r.t.Context(), id, &client.VoteApplicationParams{IdempotencyKey: client.NewIdempotencyKey()}, client.NewVote{DecisionDigest: a.JSON200.DecisionDigest, Verdict: "approve", Note: &note})
	r.must(err)
}

// decide grants an application that has its votes, and returns its instalment.
func (r *rig) decide(id uuid.UUID) uuid.UUID {
	r.t.Helper()
	ctx := r.t.Context()
	a, err := r.reviewers[1].GetApplicationWithResponse(ctx, id)
	r.must(err)
	_, err = r.reviewers[1].DecideApplicationWithResponse(ctx, id, &client.DecideApplicationParams{IfMatch: *a.Headers200.ETag},
		client.NewDecision{DecisionDigest: a.JSON200.DecisionDigest, Outcome: "approve"})
	r.must(err)
	a, err = r.reviewers[1].GetApplicationWithResponse(ctx, id)
	r.must(err)
	g, err := r.treasurer.GetGrantWithResponse(ctx, *a.JSON200.GrantId)
	r.must(err)
	return g.JSON200.Instalments[0].Id
}

// compose puts the operators' payments into a batch.
func (r *rig) compose(ops ...operator) uuid.UUID {
	r.t.Helper()
	order := client.Order{FeerateSatKvb: 3_000}
	for _, o := range ops {
		order.InstalmentIds = append(order.InstalmentIds, o.instalment)
	}
	b, err := r.treasurer.ComposeBatchWithResponse(r.t.Context(), &client.ComposeBatchParams{IdempotencyKey: client.NewIdempotencyKey()}, order)
	r.must(err)
	return b.JSON201.Batches[0].Id
}

func (r *rig) approve(batch uuid.UUID) {
	r.t.Helper()
	b, err := r.treasurer.GetBatchWithResponse(r.t.Context(), batch)
	r.must(err)
	_, err = r.treasurer.ApproveBatchWithResponse(r.t.Context(), batch, &client.ApproveBatchParams{IfMatch: *b.Headers200.ETag}, client.Approval{Digest: b.JSON200.Digest})
	r.must(err)
}

func (r *rig) batch(id uuid.UUID) *client.Batch {
	r.t.Helper()
	b, err := r.treasurer.GetBatchWithResponse(r.t.Context(), id)
	r.must(err)
	return b.JSON200
}

// await waits until the batch is in one of states.
func (r *rig) await(id uuid.UUID, states ...string) *client.Batch {
	r.t.Helper()
	var b *client.Batch
	r.until("the batch is "+strings.Join(states, " or "), func() bool {
		b = r.batch(id)
		for _, s := range states {
			if string(b.State) == s {
				return true
			}
		}
		return false
	})
	return b
}

func (r *rig) until(what string, cond func() bool) {
	r.t.Helper()
	r.must(r.Until(r.t.Context(), what, func(context.Context) (bool, error) { return cond(), nil }))
}

func (r *rig) mine(blocks int) {
	r.t.Helper()
	_, err := r.Devnet.Mine(r.t.Context(), blocks)
	r.must(err)
}

// settle mines until the batch is paid.
func (r *rig) settle(id uuid.UUID) *client.Batch {
	r.t.Helper()
	r.await(id, "broadcast", "mined")
	r.mine(int(r.Services.Fund.PaidDepth))
	return r.await(id, "paid")
}

// get asks for one page and returns its status and text; status 0 means that
// nobody answers there.
func (r *rig) get(url string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, http.NoBody)
	r.must(err)
	resp, err := new(http.Client).Do(req)
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	r.must(err)
	return resp.StatusCode, string(text)
}

// paidOnce asks the chain: each operator got the amount exactly once, and the
// treasury lost nothing else. The ledger must say the same.
func (r *rig) paidOnce(ops ...operator) {
	r.t.Helper()
	account, err := r.Account(r.t.Context())
	r.must(err)
	var sum int64
	for _, o := range ops {
		sum += o.amountSat
		got := account.Payments[o.address]
		if len(got) != 1 || got[0].AmountSat != o.amountSat {
			r.t.Errorf("operator %s got %+v, want %d sat once", o.address, got, o.amountSat)
		}
	}
	if account.Paid != sum || account.Unspent != account.Deposits-account.Paid-account.Fees {
		r.t.Errorf("the chain says %+v, want %d sat paid", struct{ Deposits, Paid, Fees, Unspent int64 }{account.Deposits, account.Paid, account.Fees, account.Unspent}, sum)
	}
	var treasury *client.Treasury
	r.until("the worker has walked to the tip", func() bool {
		t, err := r.treasurer.GetTreasuryWithResponse(r.t.Context())
		r.must(err)
		treasury = t.JSON200
		return treasury.Tip.Height == account.Height
	})
	if treasury.DifferenceSat != 0 || treasury.CoinsSat != account.Unspent || treasury.Balances.FeesSat != account.Fees || len(treasury.Breakers) != 0 {
		r.t.Errorf("the ledger says coins %d, fees %d, difference %d, breakers %v; the chain has %d and fees %d",
			treasury.CoinsSat, treasury.Balances.FeesSat, treasury.DifferenceSat, treasury.Breakers, account.Unspent, account.Fees)
	}
	r.witness(sum)
}

// signedLog exports the audit log once a checkpoint covers all of it, and verifies it
// with nothing but the public key, which it returns too.
func (r *rig) signedLog() (bundle []byte, key string) {
	r.t.Helper()
	ctx := r.t.Context()
	r.until("a checkpoint covers the log", func() bool {
		leaves, err := r.auditor.ListLeavesWithResponse(ctx, &client.ListLeavesParams{})
		r.must(err)
		newest, err := r.auditor.GetCheckpointWithResponse(ctx)
		return err == nil && newest.JSON200.Size == leaves.JSON200.Size
	})
	answer, err := r.auditor.GetAuditBundleWithResponse(ctx)
	r.must(err)
	text, err := os.ReadFile(filepath.Join(r.dir, "keys", "audit.pub"))
	r.must(err)
	key = strings.TrimSpace(string(text))
	report, err := audit.VerifyBundle(bytes.NewReader(answer.Body), key)
	if err != nil || report.Rows < 10 {
		r.t.Errorf("the exported log: %+v, %v", report, err)
	}
	return answer.Body, key
}

// witness has the auditor, who knows the signer's journal, the audit log and no
// database, say that exactly paidSat was paid, by people's leave, and all else is
// accounted for.
func (r *rig) witness(paidSat int64) {
	r.t.Helper()
	report := r.audited()
	if a := report.Approvals; a == nil || a.Approved != a.Payments || a.Payments != len(report.Payments) {
		r.t.Errorf("approvals %+v of %d payments", a, len(report.Payments))
	}
	if !report.OK() || report.PaidSat != paidSat {
		r.t.Errorf("the auditor found %d sat paid, want %d, a difference of %d and %+v", report.PaidSat, paidSat, report.DifferenceSat, report.Alarms)
	}
}

// audited is the auditor's report from chain, journal and log. Of the batches
// acceptLost the reader knows that their approval was lost with a restore.
func (r *rig) audited(acceptLost ...uint32) chainaudit.Report {
	r.t.Helper()
	fund := r.Services.Fund
	bundle, key := r.signedLog()
	signed, err := audit.VerifyBundle(bytes.NewReader(bundle), key)
	r.must(err)
	report, err := chainaudit.Run(r.t.Context(), chainaudit.Config{
		Descriptor: fund.Descriptor, Birthday: fund.BirthdayHeight, Node: r.Devnet.Node.RPC(),
		Journals: []chainaudit.Journal{chainaudit.JournalFile(filepath.Join(r.dir, "signer", "journal"))},
		Logs: []chainaudit.AuditLog{{
			Name: "the fund's log", Rows: signed.Rows - signed.Uncovered, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(bundle)), nil },
		}},
		AcceptLost: acceptLost,
	})
	r.must(err)
	return report
}

// problem returns the refusal in err, or fails.
func (r *rig) problem(err error) *client.Error {
	r.t.Helper()
	var refusal *client.Error
	if !errors.As(err, &refusal) {
		r.t.Fatalf("got %v, want a refusal by the server", err)
	}
	return refusal
}
