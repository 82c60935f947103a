package web_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-fund/causeway/internal/bitcoin/fee"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/edge/api"
	"github.com/causeway-fund/causeway/internal/edge/server"
	"github.com/causeway-fund/causeway/internal/edge/web"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/ledger"
	"github.com/causeway-fund/causeway/internal/payout/conductor"
	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/signer/signerrpc"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/testkit/pgtest"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/once"
	"github.com/causeway-fund/causeway/internal/trust/registry"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

const (
	network   = "regtest"
	publicURL = "http://localhost"
	paidDepth = 6
)

var epoch = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)

// rig is the dashboard behind the real server, on a real database.
type rig struct {
	t        testing.TB
	url      string
	http     *http.Server
	site     *web.Site
	clock    *clock.Fake
	owner    *postgres.DB
	app      *postgres.DB // as the service opens it
	keys     *seal.Keyring
	rates    server.Rates // zero: as a fund has them
	auth     server.Authenticator
	fund     fund.Fund
	grants   *grant.Service
	payouts  *treasurer.Service
	identity *identity.Service
	charters *registry.Service
	store    postgres.PayoutStore

	auditKey  *audit.Signer
	endpoints *endpoint.Service
	checks    postgres.EndpointStore // of the owner
	asked     offers
	epoch     int64
	tip       payout.Tip
}

func newRig(t testing.TB) *rig {
	t.Helper()
	base := pgtest.New(t)
	r := &rig{t: t, clock: clock.NewFake(epoch), owner: open(t, base.URL)}
	app := open(t, base.AppURL)
	params, err := wallet.Params(network)
	must(t, err)
	must(t, r.owner.Bind(t.Context(), network, params.GenesisHash.String()))
	must(t, r.owner.CreateFund(t.Context(), fund.Fund{
		ID: uuid.New(), Name: "Test fund", Network: network, Descriptor: account(t, 1).String(), Budget: 50_000_000,
		MinAmount: 10_000, MaxAmount: 5_000_000, PolicyVersion: 1, Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000,
		PayWindow: 90 * 24 * time.Hour, PaidDepth: paidDepth, FinalDepth: 100, CreatedAt: epoch,
	}))
	r.fund, err = r.owner.Fund(t.Context())
	must(t, err)

	auditPath := filepath.Join(t.TempDir(), "audit.key")
	_, err = audit.GenerateKeyFile(auditPath, audit.Origin(r.fund.ID.String()))
	must(t, err)
	r.auditKey, err = audit.LoadSigner(auditPath)
	must(t, err)
	path := filepath.Join(t.TempDir(), "seal.key")
	must(t, seal.GenerateKeyFile(path))
	r.keys, err = seal.Load(path)
	must(t, err)
	keys := r.keys
	csrf, err := keys.Derive("causeway/form-token")
	must(t, err)
	r.identity, err = identity.New(identity.Config{
		Store: postgres.IdentityStore{DB: app}, Clock: r.clock, PublicURL: publicURL, FundName: "Test fund", CSRFKey: csrf, AllowLoginLinks: true,
	})
	must(t, err)
	servers, err := endpoint.NewRegister(keys, rand.Reader)
	must(t, err)
	r.grants, err = grant.New(grant.Config{Store: postgres.GrantStore{DB: app, Servers: servers}, Keys: keys, Clock: r.clock})
	must(t, err)
	r.payouts, err = treasurer.New(treasurer.Config{Store: postgres.PayoutStore{DB: app}, Clock: r.clock})
	must(t, err)
	r.store = postgres.PayoutStore{DB: r.owner}
	// The worker has asked its node what it relays, and knows too little yet for more.
	must(t, r.store.SetEstimate(t.Context(), 0, fee.Estimate{At: epoch, FloorSatKVB: 1000, RelaySatKVB: 1000, Why: "It has seen too few blocks."}))
	r.checks = postgres.EndpointStore{DB: r.owner, Clock: r.clock}
	r.endpoints, err = endpoint.New(endpoint.Config{
		Store: postgres.EndpointStore{DB: app, Clock: r.clock, Enqueue: r.asked.enqueue}, Receipts: r.grants, Keys: keys, Clock: r.clock, Telegram: telegram,
	})
	must(t, err)
	r.charters, err = registry.New(postgres.CharterStore{DB: app}, registry.Fund{Network: decision.NetworkOf(params), ID: r.fund.ID, Descriptor: r.fund.Descriptor}, r.clock)
	must(t, err)
	r.app, r.auth = app, r.identity
	r.serve(r.endpoints)
	return r
}

// serve starts the server; endpoints nil means that servers are not checked.
func (r *rig) serve(endpoints web.Endpoints) {
	r.t.Helper()
	app := r.app
	rows := postgres.AuditStore{DB: app}
	log := audit.NewLog(rows, r.clock, r.auditKey.PublicKey())
	var err error
	r.site, err = web.New(web.Config{
		Grants: r.grants, Payouts: r.payouts, Identity: r.identity, AuditLog: log, AuditRows: rows, AuditKey: r.auditKey.PublicKey(), Endpoints: endpoints, Charters: r.charters, Chain: postgres.PayoutStore{DB: app}, Clock: r.clock,
		PublicURL: publicURL, Demo: true, CookieName: server.SessionCookie(false),
	})
	must(r.t, err)
	repeats, err := once.New(r.keys, postgres.OnceStore{DB: app})
	must(r.t, err)
	config := api.Config{Grants: r.grants, Payouts: r.payouts, AuditLog: log, AuditRows: rows, Tokens: r.identity, Charters: r.charters, Once: repeats, Clock: r.clock}
	if endpoints != nil {
		config.Endpoints = r.endpoints
	}
	handlers, err := api.NewHandlers(config)
	must(r.t, err)
	var rules []server.Rule
	for _, x := range r.site.Routes() {
		rules = append(rules, server.Rule{Method: x.Method, Path: x.Path, Permission: x.Permission, Limit: server.Limit(x.Limit.String()), MaxBody: x.MaxBody(), Timeout: x.Timeout()})
	}
	edge, err := server.New(server.Config{
		API: handlers, Auth: r.auth, Receipts: r.grants, Rates: r.rates, Clock: clock.Real{}, Log: slog.New(slog.NewTextHandler(r.t.Output(), &slog.HandlerOptions{Level: slog.LevelError})),
		Metrics: prometheus.NewRegistry(), MountPages: r.site.Mount, Pages: rules, SignInPath: "/sign-in", Look: server.Look{Styles: []string{r.site.File("app.css")}},
		ErrorPage: func(c echo.Context, v server.ErrorView) error {
			return r.site.ErrorPage(c, web.ErrorView{Status: v.Status, Code: v.Code, Message: v.Message, Params: v.Params, RequestID: v.RequestID})
		},
	})
	must(r.t, err)
	listener := httptest.NewServer(edge)
	r.t.Cleanup(func() {
		listener.CloseClientConnections() // streams do not end by themselves
		listener.Close()
	})
	r.url, r.http = listener.URL, listener.Config
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, url string) *postgres.DB {
	t.Helper()
	d, err := postgres.Open(t.Context(), url)
	must(t, err)
	d.ForbidReentry(func(stack string) { t.Errorf("the store was called inside its own transaction:\n%s", stack) })
	t.Cleanup(d.Close)
	return d
}

// account is the descriptor of a wallet that seed stands for.
func account(t testing.TB, seed byte) *wallet.Descriptor {
	t.Helper()
	params, err := wallet.Params(network)
	must(t, err)
	sum := sha256.Sum256([]byte{seed})
	d, err := wallet.DescriptorFromSeed(sum[:], wallet.KindWPKH, params)
	must(t, err)
	return d
}

func payee(t testing.TB, index uint32) string {
	t.Helper()
	address, err := account(t, 2).Address(wallet.ChainDeposit, index)
	must(t, err)
	return address
}

// hire makes a member of staff and signs them in by a link, in a browser of
// their own.
func (r *rig) hire(name string, roles ...identity.Role) *browser {
	r.t.Helper()
	admin := identity.System("admin-cli")
	person, _, err := r.identity.Invite(r.t.Context(), admin, name, roles)
	must(r.t, err)
	token, err := r.identity.LoginLink(r.t.Context(), admin, person.ID)
	must(r.t, err)
	b := r.browse()
	door := b.get("/link/" + token)
	in := b.submit(door, "/link/"+token, nil)
	if in.status != 200 {
		r.t.Fatalf("%s could not sign in: %d\n%s", name, in.status, in.text())
	}
	return b
}

// worker says who the database knows as the leading worker.
func (r *rig) worker() {
	r.t.Helper()
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), "UPDATE lease SET epoch = epoch + 1, since = now() RETURNING epoch").Scan(&r.epoch))
}

// fundTreasury walks a block with a deposit and as many more as make it
// spendable.
func (r *rig) fundTreasury(amounts ...btcutil.Amount) {
	r.t.Helper()
	r.worker()
	r.connect(nil)
	tx := wire.NewMsgTx(2)
	tx.AddTxIn(wire.NewTxIn(&wire.OutPoint{Hash: chainhash.Hash{1}}, nil, nil))
	own := payout.OwnTx{Tx: tx}
	for i, amount := range amounts {
		script, err := account(r.t, 1).Script(wallet.ChainDeposit, uint32(i))
		must(r.t, err)
		tx.AddTxOut(wire.NewTxOut(int64(amount), script))
	}
	for i, out := range tx.TxOut {
		c := payout.Coin{}
		c.OutPoint, c.Amount, c.Script = wire.OutPoint{Hash: tx.TxHash(), Index: uint32(i)}, btcutil.Amount(out.Value), out.PkScript
		c.Index = uint32(i)
		own.Coins = append(own.Coins, c)
	}
	r.connect(&own)
	for range 6 {
		r.connect(&payout.OwnTx{})
	}
}

// connect walks one block; own nil is the first one.
func (r *rig) connect(own *payout.OwnTx) {
	r.t.Helper()
	header := wire.BlockHeader{Version: 4, PrevBlock: r.tip.Hash, Timestamp: r.clock.Now(), Nonce: uint32(r.tip.Height)}
	r.tip = payout.Tip{Height: r.tip.Height + 1, Hash: header.BlockHash(), At: r.clock.Now()}
	block := payout.Block{Header: header, Tip: r.tip, Base: own == nil}
	if own != nil && own.Tx != nil {
		block.Txs = []payout.OwnTx{*own}
	}
	must(r.t, r.store.Connect(r.t.Context(), r.epoch, block, func(w *payout.ChainWork) error {
		for _, tx := range block.Txs {
			for _, c := range tx.Coins {
				t := ledger.Move(ledger.KindDeposit, c.OutPoint.String(), ledger.Outside, ledger.Available, c.Amount, r.clock.Now())
				t.Height = &block.Tip.Height
				w.Post = append(w.Post, t)
			}
		}
		return nil
	}))
}

// absentSigner holds the right key and never answers.
type absentSigner struct{ fund fund.Fund }

func (s absentSigner) Info(context.Context) (signerrpc.Info, error) {
	return signerrpc.Info{
		Network: s.fund.Network, Descriptor: s.fund.Descriptor,
		MaxFeeRateSatKVB: s.fund.MaxFeeRateSatKVB, MaxFeeSat: int64(s.fund.MaxFee), MaxFeePermille: 1000,
	}, nil
}

func (absentSigner) Sign(context.Context, signerrpc.Request) (signerrpc.Response, error) {
	return signerrpc.Response{}, errs.New(errs.Unavailable, "signer_down", "The signer does not answer.")
}

func (absentSigner) Broadcast(context.Context, []byte, int64) (string, error) {
	return "", io.ErrUnexpectedEOF
}

// conduct lets the worker take approved batches on, as far as the signer.
func (r *rig) conduct() {
	r.t.Helper()
	s := absentSigner{r.fund}
	c, err := conductor.New(conductor.Config{
		Store: r.store, Signers: []conductor.Signer{s}, Broadcaster: s, Clock: r.clock, Log: slog.New(slog.DiscardHandler), Epoch: r.epoch,
	})
	must(r.t, err)
	must(r.t, c.Step(r.t.Context()))
}

// apply hands an application in, without the form.
func (r *rig) apply(index uint32, change ...func(*grant.Proposal)) string {
	r.t.Helper()
	p := grant.Proposal{
		Title: "A proxy for students", Narrative: "Two servers that students read the news through.", Region: "IR", Language: "en",
		AmountSat: 200_000, PayoutAddress: payee(r.t, index),
		Endpoints: []claim.Endpoint{{Protocol: "socks5", Host: "192.0.2.7", Port: 1080, Secret: "hunter2-not-for-eyes"}},
	}
	for _, f := range change {
		f(&p)
	}
	receipt, err := r.grants.Submit(r.t.Context(), uuid.NewString(), p)
	must(r.t, err)
	return receipt.Code
}

// idOf returns the id of the application behind a receipt code.
func (r *rig) idOf(code string) string {
	r.t.Helper()
	s, err := r.grants.Status(r.t.Context(), code)
	must(r.t, err)
	return s.Application.ID.String()
}
