package app_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/wire/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/programs/app"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/chaintest"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/pgserver"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proc"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// arena is a 2-of-3 treasury with two signers, two nodes, a PostgreSQL and a worker
// of its own, each a real process that may be killed. The dashboard's use cases run
// in the test's process.
type arena struct {
	t     *testing.T
	round int
	dir   string
	log   *os.File

	postgres *pgserver.Server
	database string
	node     *chaintest.Node // the worker's first
	second   *chaintest.Node
	signers  [2]*box
	worker   *proc.Process

	services  *app.Services
	reviewers [2]identity.Actor
	treasurer identity.Actor

	free  []payee         // granted and in no batch yet
	seen  map[string]bool // alarms of the auditor that were counted already
	tally *tally
}

// box is one signer with its key and journal.
type box struct {
	dir, socket string
	proc        *proc.Process
}

// spare are coins and pairs of payees for scenarios that pay more than one batch.
const spare = 4

func newArena(t *testing.T, round int, tally *tally, scenarios []scenario) *arena {
	t.Helper()
	a := &arena{t: t, round: round, dir: t.TempDir(), database: "causeway", tally: tally, seen: map[string]bool{}}
	for d := a.dir; d != os.TempDir(); d = filepath.Dir(d) {
		a.must(os.Chmod(d, 0o755)) // PostgreSQL's own account must pass
	}
	var err error
	a.log, err = os.OpenFile(a.path("log"), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	a.must(err)
	a.postgres, err = pgserver.Start(t.Context(), pgserver.Config{Dir: a.path("postgres"), Volatile: true})
	a.must(err)
	t.Cleanup(a.end)
	a.node = chaintest.New(t)
	a.second = a.node.Peer()
	descriptor := a.keys()
	a.must(postgres.CreateDatabase(t.Context(), a.postgres.URL("postgres"), a.database))
	a.must(os.WriteFile(a.path("owner.url"), []byte(a.postgres.URL(a.database)), 0o600))
	a.migrate(slices.ContainsFunc(scenarios, func(s scenario) bool { return s.label == "C18" }))
	a.fund(descriptor)
	a.hire()
	for _, s := range a.signers {
		a.startSigner(s)
	}
	a.startWorker()
	a.deposit(len(scenarios) + spare)
	a.grant(2 * (len(scenarios) + spare))
	return a
}

func (a *arena) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

func (a *arena) path(elem ...string) string {
	return filepath.Join(append([]string{a.dir}, elem...)...)
}

// end stops what runs, whatever state the test left it in.
func (a *arena) end() {
	if a.t.Failed() {
		a.tail()
	}
	if a.services != nil {
		a.services.DB.Close()
	}
	for _, p := range []*proc.Process{a.worker, a.signers[0].running(), a.signers[1].running()} {
		if p != nil {
			if err := p.Kill(); err != nil {
				a.t.Error(err)
			}
		}
	}
	if err := a.postgres.Kill(); err != nil {
		a.t.Error(err)
	}
	_ = a.log.Close()
}

func (b *box) running() *proc.Process {
	if b == nil {
		return nil
	}
	return b.proc
}

func (a *arena) logged() string {
	text, err := os.ReadFile(a.path("log"))
	a.must(err)
	return string(text)
}

func (a *arena) tail() {
	lines := strings.Split(strings.TrimSpace(a.logged()), "\n")
	a.t.Logf("last lines of the programs' log:\n%s", strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

// run calls one of our programs and returns what it prints.
func (a *arena) run(program string, args ...string) string {
	a.t.Helper()
	out, err := exec.CommandContext(a.t.Context(), filepath.Join(programs, program), args...).CombinedOutput()
	if err != nil {
		a.t.Fatalf("%s %s: %v\n%s", program, args[0], err, out)
	}
	return string(out)
}

func (a *arena) signerSays(s *box, command string, args ...string) string {
	return a.run("causeway-signer", append([]string{
		command, "--network", "simnet", "--key-file", filepath.Join(s.dir, "key"), "--passphrase-file", a.path("pass"), "--work-factor", "10",
	}, args...)...)
}

// keys makes three keys and their descriptor; the third stays off-line.
func (a *arena) keys() string {
	a.must(os.WriteFile(a.path("pass"), []byte("a long passphrase\n"), 0o600))
	run, err := os.MkdirTemp("", "causeway-chaos-") // a socket's path may not be long
	a.must(err)
	a.t.Cleanup(func() { _ = os.RemoveAll(run) })
	var parts []string
	for i, name := range []string{"a", "b", "c"} {
		s := &box{dir: a.path(name), socket: filepath.Join(run, name)}
		a.must(os.Mkdir(s.dir, 0o700))
		out := a.signerSays(s, "keygen", "--kind", "wsh")
		parts = append(parts, regexp.MustCompile(`key\s+(\S+)`).FindStringSubmatch(out)[1])
		if i < len(a.signers) {
			a.signers[i] = s
		}
	}
	descriptor, err := wallet.ParseDescriptor("wsh(sortedmulti(2,"+strings.Join(parts, ",")+"))", &chaincfg.SimNetParams)
	a.must(err)
	for _, s := range a.signers {
		a.signerSays(s, "init", "--descriptor", descriptor.String(), "--journal", filepath.Join(s.dir, "journal"))
	}
	return descriptor.String()
}

// fund sets the fund up as its operators do.
func (a *arena) fund(descriptor string) {
	ctx := a.t.Context()
	owner := a.postgres.URL(a.database)
	fund := app.DefaultFund("Chaos", "simnet", descriptor)
	fund.Budget = 10_000_000_000
	a.node.Call(&fund.BirthdayHeight, "getblockcount")
	fund, err := app.CreateFund(ctx, owner, fund)
	a.must(err)
	a.must(app.CreateKeys(fund.ID, a.path("seal.key"), a.path("audit.key"), a.path("audit.pub")))
	a.must(app.SetRolePassword(ctx, owner, "app", a.path("app.url")))
	a.must(app.SetRolePassword(ctx, owner, "worker", a.path("worker.url")))
	a.open()
}

// open gives the test the use cases on the current database.
func (a *arena) open() {
	ctx := a.t.Context()
	keys, err := seal.Load(a.path("seal.key"))
	a.must(err)
	url, err := os.ReadFile(a.path("app.url"))
	a.must(err)
	db, err := postgres.Open(ctx, strings.TrimSpace(string(url)))
	a.must(err)
	a.services, err = app.NewServices(ctx, db, keys, app.ServeConfig{PublicURL: "http://localhost"}, clock.Real{})
	a.must(err)
}

func (a *arena) hire() {
	hire := func(name string, role identity.Role) identity.Actor {
		s, _, err := a.services.Identity.Invite(a.t.Context(), identity.System("chaos"), name, []identity.Role{role})
		a.must(err)
		return identity.Actor{Kind: identity.KindStaff, StaffID: s.ID, Name: s.Name, Roles: s.Roles}
	}
	a.reviewers = [2]identity.Actor{hire("Ann", identity.RoleReviewer), hire("Ben", identity.RoleReviewer)}
	a.treasurer = hire("Cat", identity.RoleTreasurer)
}

// deposit gives the treasury n coins, so that no batch waits for another's change.
func (a *arena) deposit(n int) {
	descriptor, err := wallet.ParseChecksummed(a.services.Fund.Descriptor, &chaincfg.SimNetParams)
	a.must(err)
	outs := make([]*wire.TxOut, n)
	var sum btcutil.Amount
	for i := range outs {
		script, err := descriptor.Script(wallet.ChainDeposit, uint32(i))
		a.must(err)
		outs[i] = wire.NewTxOut(10_000_000+int64(i), script)
		sum += btcutil.Amount(outs[i].Value)
	}
	a.node.SendMany(outs...)
	a.node.Mine(6)
	a.until("the deposits are booked", func() bool {
		t, err := a.services.Payouts.Treasury(a.t.Context(), a.treasurer)
		a.must(err)
		return t.Balances["available"] == sum
	})
}

// startWorker starts the worker on both nodes and both signers, with env added.
// With flags, later ones win.
func (a *arena) startWorker(env ...string) { a.startWorkerWith(nil, env...) }

func (a *arena) startWorkerWith(flags []string, env ...string) {
	a.t.Helper()
	one, two := a.node.Handle(), a.second.Handle()
	args := append([]string{
		"worker", "--database-url-file", a.path("worker.url"), "--audit-key-file", a.path("audit.key"), "--poll", "250ms",
		"--btcd-host", one.Host(), "--btcd-user", one.User(), "--btcd-pass-file", one.PassFile(), "--btcd-cert-file", one.CertFile(),
		"--btcd2-host", two.Host(), "--btcd2-user", two.User(), "--btcd2-pass-file", two.PassFile(), "--btcd2-cert-file", two.CertFile(),
		"--signer-socket", a.signers[0].socket, "--signer-socket", a.signers[1].socket,
	}, flags...)
	var err error
	a.worker, err = proc.Start(proc.Spec{Path: filepath.Join(programs, "causeway"), Args: args, Env: append([]string{"TZ=UTC"}, env...), Output: a.log})
	a.must(err)
}

func (a *arena) killWorker() {
	a.t.Helper()
	a.must(a.worker.Kill())
}

func (a *arena) signerArgs(s *box) []string {
	return []string{
		"run", "--network", "simnet", "--key-file", filepath.Join(s.dir, "key"), "--journal", filepath.Join(s.dir, "journal"),
		"--passphrase-file", a.path("pass"), "--socket", s.socket,
	}
}

func (a *arena) startSigner(s *box, env ...string) {
	a.t.Helper()
	var err error
	s.proc, err = proc.Start(proc.Spec{Path: filepath.Join(programs, "causeway-signer"), Args: a.signerArgs(s), Env: append([]string{"TZ=UTC"}, env...), Output: a.log})
	a.must(err)
}

const (
	chaosPoll     = 20 * time.Millisecond
	chaosPatience = 90 * time.Second
)

func (a *arena) until(what string, cond func() bool) {
	a.t.Helper()
	if !a.within(chaosPatience, cond) {
		a.t.Fatalf("waited in vain until %s", what)
	}
}

// within reports whether cond came true in time.
func (a *arena) within(limit time.Duration, cond func() bool) bool {
	ctx, cancel := context.WithTimeout(a.t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(chaosPoll)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}

// dead reports whether p has ended.
func dead(p *proc.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}
