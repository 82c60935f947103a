package demo

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/btcsuite/btcd/address/v2"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/payout/payout"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// Person is a member of the demo's staff with a link that signs them in once.
type Person struct {
	Name  string
	Role  identity.Role
	Link  string
	Actor identity.Actor
}

var staffNames = []struct {
	name string
	role identity.Role
}{
	{
		"Mara",
		identity.RoleReviewer,
	},
	{"Idris", identity.RoleReviewer},
	{"Lin", identity.RoleTreasurer},
	{"Noor", identity.RoleAdmin},
	{"Sami", identity.RoleAuditor},
}

// Staff makes the demo's staff if need be, and a fresh sign-in link for each.
func (w *World) Staff(ctx context.Context) ([]Person, error) {
	by := identity.System("demo")
	known := map[string]identity.Staff{}
	all, err := w.Services.Identity.ListStaff(ctx, by)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		known[s.Name] = s
	}
	var people []Person
	for _, n := range staffNames {
		s, ok := known[n.name]
		if !ok {
			if s, _, err = w.Services.Identity.Invite(ctx, by, n.name, []identity.Role{n.role}); err != nil {
				return nil, err
			}
		}
		token, err := w.Services.Identity.LoginLink(ctx, by, s.ID)
		if err != nil {
			return nil, err
		}
		people = append(people, Person{
			Name: n.name, Role: n.role, Link: w.URL + "/link/" + token,
			Actor: identity.Actor{Kind: identity.KindStaff, StaffID: s.ID, Name: s.Name, Roles: s.Roles},
		})
	}
	return people, nil
}

// samples makes the same sixty applications each time.
func samples() ([]sample, error) {
	stories, err := readStories()
	if err != nil {
		return nil, err
	}
	var list []sample
	for _, f := range fates {
		for range f.count {
			i := len(list)
			s := stories[i%len(stories)]
			list = append(list, sample{
				title:     s.Title,
				narrative: s.Narrative,
				language:  s.Language,
				region:    s.Regions[(i/len(stories))%len(s.Regions)],
				protocols: storyProtocols[i%len(storyProtocols)],
				host:      fmt.Sprintf(sampleHosts[i%len(sampleHosts)], 10+i),
				amountSat: 300_000 + int64(i*7919%37)*85_000,
				fate:      f.fate,
			})
		}
	}
	for i := range list {
		list[i].days = 21 - i*20/len(list)
	}
	return list, nil
}

// sampleAddress is a key-path address that nobody has the key of in a wallet: its
// key is derived from the number of the sample.
func sampleAddress(i int, params *chaincfg.Params) (string, error) {
	secret := sha256.Sum256([]byte("causeway demo " + strconv.Itoa(i)))
	_, pub := btcec.PrivKeyFromBytes(secret[:])
	if i%3 == 0 {
		a, err := address.NewAddressTaproot(pub.SerializeCompressed()[1:], params)
		if err != nil {
			return "", err
		}
		return a.EncodeAddress(), nil
	}
	a, err := address.NewAddressWitnessPubKeyHash(address.Hash160(pub.SerializeCompressed()), params)
	if err != nil {
		return "", err
	}
	return a.EncodeAddress(), nil
}

// Seed writes the sample applications, as if the last three weeks had happened. It
// returns the receipt code of one that proves control of its server.
func (w *World) Seed(ctx context.Context, people []Person) (receipt string, err error) {
	params, err := w.Services.Fund.Params()
	if err != nil {
		return "", err
	}
	list, err := samples()
	if err != nil {
		return "", err
	}
	defer func() { w.Clock.at = time.Time{} }()
	now := w.Clock.Now()
	var proving []string // receipts of those who will prove control
	for i, s := range list {
		code, err := w.seedOne(ctx, people, i, s, now, params)
		if err != nil {
			return "", fmt.Errorf("sample application %d: %w", i, err)
		}
		if w.cfg.Checks && len(proving) < provenSamples && w.provable(i, s) {
			proving = append(proving, code)
		}
	}
	if !w.cfg.Checks {
		return "", nil
	}
	w.Clock.at = time.Time{}
	if err := w.Devnet.Postgres.Exec(ctx, "causeway", history); err != nil {
		return "", fmt.Errorf("write the history of samples: %w", err)
	}
	for _, code := range proving {
		if err := w.proveControl(ctx, code); err != nil {
			return "", fmt.Errorf("prove control of a sample: %w", err)
		}
	}
	return proving[0], nil
}

// provenSamples is how many sample applications prove control of their servers.
const provenSamples = 3

func (w *World) seedOne(
	ctx context.Context,
	people []Person,
	i int,
	s sample,
	now time.Time,
	params *chaincfg.Params,
) (receipt string, err error) {
	to, err := sampleAddress(i, params)
	if err != nil {
		return "", err
	}
	w.Clock.at = now.Add(-time.Duration(s.days)*24*time.Hour - time.Duration(i*37%600)*time.Minute)
	r, err := w.Services.Grants.Submit(ctx, fmt.Sprintf("demo-sample-application-%d", i), grant.Proposal{
		Title:         s.title,
		Narrative:     s.narrative,
		Contact:       "matrix: @sample:example.org",
		Endpoints:     w.sampleEndpoints(i, s),
		Region:        s.region,
		Language:      s.language,
		AmountSat:     s.amountSat,
		PayoutAddress: to,
	})
	if err != nil || s.fate == fateNew {
		return r.Code, err
	}
	return r.Code, w.seedReview(ctx, people, r.Code, s)
}

// seedReview takes a submitted sample as far as its fate says.
func (w *World) seedReview(ctx context.Context, people []Person, code string, s sample) error {
	status, err := w.Services.Grants.Status(ctx, code)
	if err != nil {
		return err
	}
	id := status.Application.ID
	first, second := people[0].Actor, people[1].Actor
	if s.days%2 == 0 {
		first, second = second, first
	}
	later := func(hours int) { w.Clock.at = w.Clock.at.Add(time.Duration(hours) * time.Hour) }
	vote := func(by identity.Actor, v grant.Verdict, note string) error {
		later(3)
		d, err := w.Services.Grants.Show(ctx, by, id)
		if err != nil {
			return err
		}
		_, err = w.Services.Grants.Vote(
			ctx,
			by,
			grant.CastVote{ID: id, Verdict: v, Digest: d.Decision.Digest, Note: note},
		)
		return err
	}
	decide := func(outcome grant.Verdict, message string) error {
		later(2)
		d, err := w.Services.Grants.Show(ctx, second, id)
		if err != nil {
			return err
		}
		_, err = w.Services.Grants.Decide(
			ctx,
			second,
			grant.Decide{
				ID:      id,
				Version: d.Application.Version,
				Outcome: outcome,
				Digest:  d.Decision.Digest,
				Message: message,
			},
		)
		return err
	}
	// Sixty samples tell ten stories, which the automatic checks find.
	const alike = "The same words as in other samples, for other servers."
	switch s.fate {
	case fateNew:
		return nil
	case fateWithdrawn:
		_, err := w.Services.Grants.Withdraw(ctx, code)
		return err
	case fateAsked, fateAnswered:
		later(3)
		d, err := w.Services.Grants.Show(ctx, first, id)
		if err != nil {
			return err
		}
		_, err = w.Services.Grants.Ask(ctx, first, grant.Question{
			ID:      id,
			Digest:  d.Decision.Digest,
			Message: "How many people use these servers on a usual evening, and how do you count them without logs?",
		})
		if err != nil || s.fate == fateAsked {
			return err
		}
		later(5)
		_, err = w.Services.Grants.Reply(
			ctx,
			code,
			"About 400 at the same time, counted from open connections each five minutes; we keep only the maximum of the day.",
		)
		return err
	case fateDeclined:
		const why = "The servers named here answer from one network that the fund already pays three times. Please come back with another one."
		if err := vote(first, grant.VerdictDecline, why); err != nil {
			return err
		}
		if err := vote(second, grant.VerdictDecline, why); err != nil {
			return err
		}
		return decide(grant.VerdictDecline, why)
	case fateOneVote:
		return vote(first, grant.VerdictApprove, alike)
	case fateReady, fateApproved, fateFirstBatch, fateSecondBatch:
	}
	if err := vote(first, grant.VerdictApprove, "Clear costs, and the region has little else."); err != nil {
		return err
	}
	if err := vote(second, grant.VerdictApprove, alike); err != nil || s.fate == fateReady {
		return err
	}
	return decide(grant.VerdictApprove, "Thank you for what you do. Payment follows with the next batch.")
}

// SeedBatches pays the samples that are meant to be paid, in two batches, and
// waits until both are.
func (w *World) SeedBatches(ctx context.Context, treasurer identity.Actor) error {
	items, err := w.Services.Payouts.Payable(ctx, treasurer)
	if err != nil {
		return err
	}
	first, second := countFate(fateFirstBatch), countFate(fateSecondBatch)
	if len(items) < first+second {
		return fmt.Errorf("%d payments are free, %d are meant to be paid", len(items), first+second)
	}
	for _, part := range [][]payout.Item{items[:first], items[first : first+second]} {
		ids := make([]uuid.UUID, len(part))
		for i, it := range part {
			ids[i] = it.InstalmentID
		}
		if _, err := w.Pay(ctx, treasurer, ids); err != nil {
			return err
		}
	}
	return nil
}

func countFate(f fate) int {
	for _, x := range fates {
		if x.fate == f {
			return x.count
		}
	}
	return 0
}

// Pay composes, approves and confirms a batch, and waits until it is paid.
func (w *World) Pay(ctx context.Context, by identity.Actor, instalments []uuid.UUID) (payout.Batch, error) {
	b, err := w.Services.Payouts.Compose(ctx, by, treasurer.Order{InstalmentIDs: instalments, FeeRateSatKVB: 4_000})
	if err != nil {
		return b, err
	}
	if b, err = w.Services.Payouts.Approve(ctx, by, b.ID, b.Version, b.Digest); err != nil {
		return b, err
	}
	if err := w.untilBatch(ctx, by, b.ID, payout.Broadcast, payout.Mined); err != nil {
		return b, err
	}
	if _, err := w.Devnet.Mine(ctx, int(w.Services.Fund.PaidDepth)); err != nil {
		return b, err
	}
	return b, w.untilBatch(ctx, by, b.ID, payout.Paid, payout.Final)
}

// untilBatch waits until the batch is in one of states.
func (w *World) untilBatch(ctx context.Context, by identity.Actor, id uuid.UUID, states ...payout.State) error {
	names := make([]string, len(states))
	for i, s := range states {
		names[i] = string(s)
	}
	return w.Until(ctx, "the batch is "+strings.Join(names, " or "), func(ctx context.Context) (bool, error) {
		r, err := w.Services.Payouts.Batch(ctx, by, id)
		for _, s := range states {
			if r.Batch.State == s {
				return true, nil
			}
		}
		return false, err
	})
}
