package demo

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/api/client"
	"github.com/causeway-fund/causeway/internal/cli"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Result is what the journey proved, as --json prints it.
type Result struct {
	ApplicationID string  `json:"application_id"`
	BatchID       string  `json:"batch_id"`
	TxID          string  `json:"txid"`
	Vout          int64   `json:"vout"`
	Address       string  `json:"address"`
	AmountSat     int64   `json:"amount_sat"`
	FeeSat        int64   `json:"fee_sat"`
	Height        int32   `json:"height"`
	Steps         []Step  `json:"steps"`
	Checks        []Check `json:"checks"`
}

// Step is one part of the journey with the time it took.
type Step struct {
	Name string `json:"name"`
	MS   int64  `json:"ms"`
}

// Check is one thing that the chain was asked. Got and Want are for people.
type Check struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Got  string `json:"got"`
	Want string `json:"want"`
}

// OK reports whether every check passed.
func (r Result) OK() bool {
	for _, c := range r.Checks {
		if !c.OK {
			return false
		}
	}
	return len(r.Checks) > 0
}

// Journey pays one fresh application, through the HTTP API, from receipt to six
// confirmations in a world of its own, and then asks the chain. An error means
// that it did not get there; whether what it found is right says Result.OK.
func Journey(ctx context.Context, cfg Config, progress *cli.Progress) (result Result, err error) {
	cfg.Port, cfg.BlockEvery, cfg.Volatile, cfg.Checks = 0, 0, true, true
	cfg.places = places{}
	j := &journey{progress: progress}
	var w *World
	if err := j.step("start", func() (string, error) {
		w, err = Start(ctx, cfg)
		if err != nil {
			return "", err
		}
		return w.URL, nil
	}); err != nil {
		return j.result, err
	}
	defer func() {
		if stopErr := w.Stop(context.WithoutCancel(ctx)); err == nil {
			err = stopErr
		}
	}()
	j.World = w
	err = j.run(ctx)
	return j.result, err
}

type journey struct {
	*World
	progress *cli.Progress
	result   Result

	receipt    string
	operator   *client.API
	reviewers  [2]*client.API
	treasurer  *client.API
	instalment uuid.UUID
	batch      *client.Batch
}

func (j *journey) step(name string, do func() (detail string, err error)) error {
	j.progress.Step(name)
	detail, err := do()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	j.result.Steps = append(j.result.Steps, Step{Name: name, MS: j.progress.Done(detail).Milliseconds()})
	return nil
}

func (j *journey) run(ctx context.Context) error {
	for _, s := range []struct {
		name string
		do   func(context.Context) (string, error)
	}{
		{"fund treasury", j.fund},
		{"apply", j.apply},
		{"check the server", j.check},
		{"first approval", func(ctx context.Context) (string, error) { return j.approve(ctx, 0) }},
		{"second approval", func(ctx context.Context) (string, error) { return j.approve(ctx, 1) }},
		{"decide", j.decide},
		{"compose batch", j.compose},
		{"approve batch", j.release},
		{"sign", func(ctx context.Context) (string, error) { return j.await(ctx, "signed", "broadcast", "mined", "paid") }},
		{"broadcast", func(ctx context.Context) (string, error) { return j.await(ctx, "broadcast", "mined", "paid") }},
		{"six confirmations", j.confirm},
		{"status is paid", j.status},
		{"read the chain", j.readChain},
	} {
		if err := j.step(s.name, func() (string, error) { return s.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// fund also hires the staff: each gets an API token, as if made on their profile.
func (j *journey) fund(ctx context.Context) (string, error) {
	people, err := j.Staff(ctx)
	if err != nil {
		return "", err
	}
	api := func(p Person) (*client.API, error) {
		_, secret, err := j.Services.Identity.CreateToken(
			ctx,
			p.Actor,
			"journey",
			identity.Scopes(p.Actor.Roles),
			time.Hour,
		)
		if err != nil {
			return nil, err
		}
		return client.New(j.URL, client.Options{Token: secret})
	}
	for i := range j.reviewers {
		if j.reviewers[i], err = api(people[i]); err != nil {
			return "", err
		}
	}
	if j.treasurer, err = api(person(people, identity.RoleTreasurer)); err != nil {
		return "", err
	}
	return "", j.Fund(ctx, deposits...)
}

func (j *journey) apply(ctx context.Context) (string, error) {
	params, err := j.Services.Fund.Params()
	if err != nil {
		return "", err
	}
	if j.result.Address, err = sampleAddress(int(clock.Real{}.Now().UnixNano()), params); err != nil {
		return "", err
	}
	j.result.AmountSat = 1_234_567
	anyone, err := client.New(j.URL, client.Options{})
	if err != nil {
		return "", err
	}
	link := j.Devnet.Proxies[2].URL() // the one that asks who comes
	resp, err := anyone.SubmitApplicationWithResponse(
		ctx,
		&client.SubmitApplicationParams{IdempotencyKey: client.NewIdempotencyKey()},
		client.NewApplication{
			Title:         "One SOCKS5 proxy for the journey",
			Narrative:     "A proxy on loopback, to prove that an application can be paid.",
			Endpoints:     []client.Endpoint{{Link: &link}},
			Region:        "other",
			Language:      "en",
			AmountSat:     j.result.AmountSat,
			PayoutAddress: j.result.Address,
		},
	)
	if err != nil {
		return "", err
	}
	j.receipt = resp.JSON201.ReceiptCode
	if j.operator, err = client.New(j.URL, client.Options{Receipt: j.receipt}); err != nil {
		return "", err
	}
	queue, err := j.reviewers[0].ListApplicationsWithResponse(ctx, &client.ListApplicationsParams{})
	if err != nil {
		return "", err
	}
	for _, a := range queue.JSON200.Items {
		if a.Reference == resp.JSON201.Reference {
			j.result.ApplicationID = a.Id.String()
			return a.Reference, nil
		}
	}
	return "", fmt.Errorf("the queue does not hold %s", resp.JSON201.Reference)
}

func (j *journey) approve(ctx context.Context, reviewer int) (string, error) {
	id, err := uuid.Parse(j.result.ApplicationID)
	if err != nil {
		return "", err
	}
	api := j.reviewers[reviewer]
	a, err := api.GetApplicationWithResponse(ctx, id)
	if err != nil {
		return "", err
	}
	// A second journey is like the first, which the automatic checks find.
	note := "The journey's own application."
	_, err = api.VoteApplicationWithResponse(
		ctx,
		id,
		&client.VoteApplicationParams{IdempotencyKey: client.NewIdempotencyKey()},
		client.NewVote{DecisionDigest: a.JSON200.DecisionDigest, Verdict: "approve", Note: &note},
	)
	return "", err
}

func (j *journey) decide(ctx context.Context) (string, error) {
	id, err := uuid.Parse(j.result.ApplicationID)
	if err != nil {
		return "", err
	}
	a, err := j.reviewers[1].GetApplicationWithResponse(ctx, id)
	if err != nil {
		return "", err
	}
	_, err = j.reviewers[1].DecideApplicationWithResponse(
		ctx,
		id,
		&client.DecideApplicationParams{IfMatch: *a.Headers200.ETag},
		client.NewDecision{DecisionDigest: a.JSON200.DecisionDigest, Outcome: "approve"},
	)
	if err != nil {
		return "", err
	}
	grants, err := j.treasurer.ListGrantsWithResponse(ctx, &client.ListGrantsParams{})
	if err != nil {
		return "", err
	}
	for _, g := range grants.JSON200.Items {
		if g.ApplicationId == id {
			j.instalment = g.Instalments[0].Id
			return g.Reference, nil
		}
	}
	return "", fmt.Errorf("there is no grant of application %s", id)
}

func (j *journey) compose(ctx context.Context) (string, error) {
	order := client.Order{InstalmentIds: []uuid.UUID{j.instalment}, FeerateSatKvb: 3_000}
	if _, err := j.treasurer.PreviewBatchWithResponse(ctx, order); err != nil {
		return "", err
	}
	b, err := j.treasurer.ComposeBatchWithResponse(
		ctx,
		&client.ComposeBatchParams{IdempotencyKey: client.NewIdempotencyKey()},
		order,
	)
	if err != nil {
		return "", err
	}
	if len(b.JSON201.Batches) != 1 {
		return "", fmt.Errorf("one payment became %d batches", len(b.JSON201.Batches))
	}
	j.result.BatchID = b.JSON201.Batches[0].Id.String()
	return fmt.Sprintf("batch %d", b.JSON201.Batches[0].Number), nil
}

func (j *journey) release(ctx context.Context) (string, error) {
	b, err := j.getBatch(ctx)
	if err != nil {
		return "", err
	}
	_, err = j.treasurer.ApproveBatchWithResponse(
		ctx,
		j.batch.Id,
		&client.ApproveBatchParams{IfMatch: *b.Headers200.ETag},
		client.Approval{Digest: j.batch.Digest},
	)
	return "digest " + j.batch.Digest[:16] + "…", err
}

func (j *journey) getBatch(ctx context.Context) (*client.GetBatchResponse, error) {
	id, err := uuid.Parse(j.result.BatchID)
	if err != nil {
		return nil, err
	}
	b, err := j.treasurer.GetBatchWithResponse(ctx, id)
	if err != nil {
		return nil, err
	}
	j.batch = b.JSON200
	return b, nil
}

func (j *journey) await(ctx context.Context, states ...string) (string, error) {
	err := j.Until(ctx, "the batch is "+strings.Join(states, " or "), func(ctx context.Context) (bool, error) {
		if _, err := j.getBatch(ctx); err != nil {
			return false, err
		}
		for _, s := range states {
			if string(j.batch.State) == s {
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil || len(j.batch.Attempts) == 0 {
		return "", err
	}
	j.result.TxID, j.result.FeeSat = j.batch.Attempts[0].Txid, j.batch.Attempts[0].FeeSat
	return j.result.TxID, nil
}

func (j *journey) confirm(ctx context.Context) (string, error) {
	// The node may not have the transaction yet when the worker has told it; a block
	// without it would only cost time.
	if _, err := j.Devnet.Mine(ctx, int(j.Services.Fund.PaidDepth)); err != nil {
		return "", err
	}
	if _, err := j.await(ctx, "paid", "final"); err != nil {
		return "", err
	}
	if j.batch.Height != nil {
		j.result.Height = *j.batch.Height
	}
	return fmt.Sprintf("block %d", j.result.Height), nil
}

func (j *journey) status(ctx context.Context) (string, error) {
	s, err := j.operator.GetOwnApplicationWithResponse(ctx)
	if err != nil {
		return "", err
	}
	if len(s.JSON200.Payments) != 1 || s.JSON200.Payments[0].State != "paid" {
		return "", fmt.Errorf("the operator sees %+v", s.JSON200.Payments)
	}
	p := s.JSON200.Payments[0]
	if p.Vout != nil {
		j.result.Vout = *p.Vout
	}
	return fmt.Sprintf("%d sat, %d confirmations", p.AmountSat, p.Confirmations), nil
}
