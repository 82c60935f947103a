package endpoint

import (
	"bytes"
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// twinOneIn is of how many full checks one asks whether another endpoint with the
// same secret is the same process (endpoints.md 6.5): often enough to know within
// days, and seldom enough that nobody sees a pattern.
const twinOneIn = 40

// twinsOf returns the endpoints that one could be one process with. Only the slots
// of MTProto proxies dressed up as TLS are asked.
func (s *Service) twinsOf(ctx context.Context, t Taken) ([]Opened, error) {
	if t.Offer.Kind != vantage.KindSlot || t.Offer.Mode != probe.Full || t.Endpoint.Protocol != probe.MTProto {
		return nil, nil
	}
	return s.cfg.Store.Twins(ctx, t.Endpoint.ID)
}

// twinName is what a job is derived from that asks about a twin too, so that the
// answer says about which without anything being kept.
func twinName(offer, twin uuid.UUID) string { return offer.String() + "/" + twin.String() }

// withTwin has j ask about a twin now and then.
func (s *Service) withTwin(ctx context.Context, j *vantage.Job, lease uuid.UUID, t Taken) error {
	now, err := chance.Below(s.cfg.Random, s.twinOneIn)
	if err != nil || now != 0 {
		return err
	}
	twins, err := s.twinsOf(ctx, t)
	if err != nil || len(twins) == 0 {
		return err
	}
	i, err := chance.Below(s.cfg.Random, len(twins))
	if err != nil {
		return err
	}
	text, spec, err := s.text(twins[i])
	if unusable(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if m, ok := spec.(link.MTProto); !ok || m.Kind != link.SecretTLS {
		return nil
	}
	j.ID, j.Twin = s.jobID(lease, twinName(t.Offer.ID, twins[i].ID)), text
	return nil
}

// openTwins makes the jobs known that were leased with a twin. Few are, so that
// twins are looked up only for an answer whose job is not known otherwise.
func (r *reading) openTwins(taken []Taken) error {
	if !slices.ContainsFunc(r.report.Answers, func(a vantage.Answer) bool { return !r.known(a.Job) }) {
		return nil
	}
	for _, t := range taken {
		twins, err := r.twinsOf(r.ctx, t)
		if err != nil {
			return err
		}
		for _, twin := range twins {
			job := r.jobID(r.report.Lease, twinName(t.Offer.ID, twin.ID))
			r.offers[job], r.twins[job] = t, twin.ID
		}
	}
	return nil
}

// keepTwin keeps that two endpoints are one process: both get the same index.
func (r *reading) keepTwin(t Taken, a vantage.Answer) error {
	other, asked := r.twins[a.Job]
	if !asked || a.Twin != vantage.TwinLinked {
		return nil
	}
	first, second := t.Endpoint.ID, other
	if bytes.Compare(first[:], second[:]) > 0 {
		first, second = second, first
	}
	index, err := linkIndex(r.cfg.Keys, LinkReplay, first.String()+"/"+second.String())
	if err != nil {
		return err
	}
	for _, id := range []uuid.UUID{first, second} {
		r.in.Links = append(r.in.Links, Link{EndpointID: id, Kind: LinkReplay, Index: index, SeenAt: r.now})
	}
	return nil
}
