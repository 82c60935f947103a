package signer

import (
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

// termsOf reads what the rules of package authority ask of a decision.
func termsOf(n decision.Note) authority.Terms {
	t := authority.Terms{
		Network: n.Network, Fund: n.Fund, Digest: n.Digest(), Most: n.Most(),
		Replaces: n.Replaces.Note, From: n.Replaces.Period,
	}
	for period := range n.Periods {
		t.Due, t.Until = append(t.Due, n.Due(period+1)), append(t.Until, n.Until(period+1))
	}
	return t
}

// releaseOf is what a checked proposal pays.
func releaseOf(p *proposal) authority.Release {
	r := authority.Release{Batch: p.id, Note: p.noteDigest, Until: p.until, Fee: p.fee}
	for _, pay := range p.batch.Payments {
		r.Payments = append(r.Payments, authority.Payment{Decision: pay.Decision, Period: pay.Period, Sat: pay.Amount})
	}
	return r
}

// ownOf is what a checked proposal does with the treasury's own coins.
func ownOf(p *proposal) authority.Own {
	own := authority.Own{Batch: p.id, Note: p.noteDigest, Until: p.until, Fee: p.fee}
	if p.kind == KindVoid {
		own.Note = digestOf(p.void)
	}
	return own
}

// releasedBy is releaseOf for a line of the journal.
func releasedBy(r Record) (authority.Release, error) {
	batch, err := uuid.Parse(r.Batch)
	if err != nil {
		return authority.Release{}, err
	}
	note, err := decision.ParseDigest(r.BatchNote)
	if err != nil {
		return authority.Release{}, err
	}
	released := authority.Release{Batch: batch, Note: note, Fee: btcutil.Amount(r.Fee)}
	for _, o := range r.Outs {
		if o.Decision == "" {
			continue
		}
		digest, err := decision.ParseDigest(o.Note)
		if err != nil {
			return authority.Release{}, err
		}
		released.Payments = append(released.Payments,
			authority.Payment{Decision: digest, Period: o.Period, Sat: btcutil.Amount(o.Sat)})
	}
	return released, nil
}
