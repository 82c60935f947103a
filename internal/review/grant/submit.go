package grant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

const submitScope = "application.submit"

// Receipt is the answer to a submission. The same key and body give the same
// answer, whatever has happened since.
type Receipt struct {
	Code              string // shown once, stored nowhere
	Reference         string
	State             State  // always Submitted: the state at submission
	Revision          int    // always 1
	ApplicationSHA256 string // commitment to the first revision, as in the audit log: SHA-256 of what the decision note names application_sha256
}

// Submit takes an application. idempotencyKey has 16 to 128 characters. Errors:
// Precondition idempotency_key_missing, Invalid idempotency_key_form,
// invalid_fields (too_many_open among them: MaxOpenOfPayee undecided applications have
// the address already), idempotency_mismatch (the key was used with another body).
func (s *Service) Submit(ctx context.Context, idempotencyKey string, p Proposal) (Receipt, error) {
	if n := len(idempotencyKey); n != 0 && (n < 16 || n > 128) {
		return Receipt{}, errs.New(
			errs.Invalid,
			errs.CodeIdempotencyKeyForm,
			"An Idempotency-Key has 16 to 128 characters. Nothing was saved.",
		)
	}
	p = p.normalise()
	request, err := json.Marshal(p)
	if err != nil {
		return Receipt{}, fmt.Errorf("encode proposal: %w", err)
	}
	code, err := identity.DeriveReceipt(s.pepper, idempotencyKey, sha256.Sum256(request))
	if err != nil {
		return Receipt{}, err
	}
	keyHash, err := s.cfg.Keys.BlindIndex("idempotency-key", idempotencyKey)
	if err != nil {
		return Receipt{}, fmt.Errorf("hash idempotency key: %w", err)
	}
	bodyHash, err := s.cfg.Keys.BlindIndex("idempotency-body", string(request))
	if err != nil {
		return Receipt{}, fmt.Errorf("hash request: %w", err)
	}

	submission, err := s.prepare(ctx, p, code)
	var done *Replay
	if err == nil {
		submission.Scope, submission.KeyHash, submission.BodySHA256 = submitScope, keyHash, bodyHash
		if done, err = s.store(ctx, &submission); err == nil && done == nil {
			return receipt(code, submission.Application.Reference, submission.Revision.Commitment), nil
		}
	}
	if err != nil {
		// What is refused now may have been taken before, and has the answer that it had.
		refused := err
		if done, err = s.cfg.Store.Replay(ctx, submitScope, keyHash); err != nil {
			return Receipt{}, err
		}
		if done == nil {
			return Receipt{}, refused
		}
	}
	if subtle.ConstantTimeCompare(done.BodySHA256, bodyHash) != 1 {
		return Receipt{}, errs.New(
			errs.Invalid,
			errs.CodeIdempotencyMismatch,
			"This Idempotency-Key was used for another application. Nothing was saved: send the new one with a new key.",
		)
	}
	return receipt(code, done.Reference, done.Commitment), nil
}

// drawsOfNames is how often names are drawn anew when somebody has them already.
// With a million applications one draw in seventeen is taken, so sixteen are never
// all taken by chance.
const drawsOfNames = 16

// store saves a submission, under other names where these are taken.
func (s *Service) store(ctx context.Context, in *Submission) (*Replay, error) {
	defer s.counted.changed()
	for draw := 1; ; draw++ {
		done, err := s.cfg.Store.Submit(ctx, *in)
		if !errs.Is(err, CodeNameTaken) || draw == drawsOfNames {
			return done, err
		}
		if in.Application.Reference, in.Application.Designation, err = s.names(); err != nil {
			return nil, err
		}
	}
}

func receipt(code identity.Receipt, reference string, commitment [sha256.Size]byte) Receipt {
	return Receipt{
		Code:              code.Grouped(),
		Reference:         reference,
		State:             Submitted,
		Revision:          1,
		ApplicationSHA256: hex.EncodeToString(commitment[:]),
	}
}

// prepare validates p and builds all rows of a new application.
func (s *Service) prepare(ctx context.Context, p Proposal, code identity.Receipt) (Submission, error) {
	f, err := s.Fund(ctx)
	if err != nil {
		return Submission{}, err
	}
	isTreasury, err := s.isTreasury(f)
	if err != nil {
		return Submission{}, err
	}
	claimed := claim.Read(p.Endpoints)
	p.Endpoints = claimed.Endpoints
	payee, bad := p.validate(f, claimed, isTreasury)
	if err := errs.InvalidFields(bad); err != nil {
		return Submission{}, err
	}
	id, err := s.newID()
	if err != nil {
		return Submission{}, err
	}
	key, wrapped, err := s.cfg.Keys.NewDataKey(id.String())
	if err != nil {
		return Submission{}, fmt.Errorf("make data key: %w", err)
	}
	payeeIndex, err := s.cfg.Keys.BlindIndex("payee-script", string(payee.Script))
	if err != nil {
		return Submission{}, fmt.Errorf("index payee: %w", err)
	}
	reference, designation, err := s.names()
	if err != nil {
		return Submission{}, err
	}
	salt, err := s.salt()
	if err != nil {
		return Submission{}, err
	}
	now := s.now()
	lookup := code.LookupHash(s.pepper)
	app := Application{
		ID:          id,
		FundID:      f.ID,
		Reference:   reference,
		Designation: designation,
		State:       Submitted,
		Revision:    1,
		Version:     1,
		Protocols: claim.DistinctProtocols(
			p.Endpoints,
		),
		Region:      p.Region,
		Language:    p.Language,
		Amount:      btcutil.Amount(p.AmountSat),
		ReceiptHash: lookup[:],
		PayeeIndex:  payeeIndex,
		TitleWords:  s.hashWords(p.Title),
		DataKey:     wrapped,
		SubmittedAt: now,
		ChangedAt:   now,
	}
	body := Body{
		Salt:          salt,
		Title:         p.Title,
		Narrative:     p.Narrative,
		Contact:       p.Contact,
		Endpoints:     p.Endpoints,
		PayoutAddress: payee.Address,
	}
	text, digest, err := body.encode()
	if err != nil {
		return Submission{}, err
	}
	sealed, err := key.Seal(bodyAAD(id, 1), text)
	if err != nil {
		return Submission{}, fmt.Errorf("seal application: %w", err)
	}
	dec, note, err := s.propose(app, f, payee, digest, now)
	if err != nil {
		return Submission{}, err
	}
	if dec.Note, err = key.Seal(noteAAD(dec.ID), note); err != nil {
		return Submission{}, fmt.Errorf("seal decision note: %w", err)
	}
	e := entry(identity.Operator(id), "application.submitted", app, "", now)
	commitment := commit(digest)
	e.Digest = commitment[:]
	return Submission{
		Application: app,
		Revision: Revision{
			ApplicationID: id,
			Revision:      1,
			Body:          sealed,
			Commitment:    commitment,
			Amount:        app.Amount,
			CreatedAt:     now,
		},
		Decision: dec,
		Claim:    func(servers Servers) error { return servers.Claim(claimed, app.Revision, key) },
		Print:    s.print(f, p),
		Entry:    e,
	}, nil
}

// day is what a decision counts in: it is due from 00:00 UTC of one.
const day = 24 * time.Hour

// propose writes the note that reviewers of this revision vote for.
func (s *Service) propose(
	a Application,
	f fund.Fund,
	payee wallet.Payee,
	body [sha256.Size]byte,
	now time.Time,
) (Decision, []byte, error) {
	params, err := f.Params()
	if err != nil {
		return Decision{}, nil, err
	}
	id, err := s.newID()
	if err != nil {
		return Decision{}, nil, err
	}
	grantID, err := s.newID()
	if err != nil {
		return Decision{}, nil, err
	}
	note := decision.Note{
		Network: decision.NetworkOf(params), Fund: f.ID, Decision: id, Grant: grantID, Application: body,
		Currency: decision.CurrencySat, Amount: int64(a.Amount), SatLeast: a.Amount, SatMost: a.Amount,
		Periods: 1, FirstDue: now.UTC().Truncate(day), Every: decision.Once, PayWithinDays: f.PayWithinDays(),
		Payees: []decision.Payee{{Script: payee.Script, Address: payee.Address}},
	}
	if err := note.Check(params); err != nil {
		return Decision{}, nil, err
	}
	return Decision{
		ID: id, ApplicationID: a.ID, Revision: a.Revision, GrantID: grantID,
		Digest: note.Digest(), Amount: a.Amount, CreatedAt: now,
	}, note.Encode(), nil
}

// letters are those of public names, Crockford's base 32.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// names draws the public reference and the words that stand for an operator.
func (s *Service) names() (reference, designation string, err error) {
	b := make([]byte, 11)
	if _, err := io.ReadFull(s.cfg.Random, b); err != nil {
		return "", "", fmt.Errorf("draw names: %w", err)
	}
	ref := []byte("GR-")
	for _, x := range b[:8] {
		ref = append(ref, letters[x&31])
	}
	return string(ref), designationFirst[b[8]] + " " + designationSecond[b[9]] + " " + designationThird[b[10]], nil
}
