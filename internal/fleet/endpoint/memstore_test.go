package endpoint_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/uptime"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/trust/audit"
)

// memory is a Store that keeps everything in maps. Offers that use cases ask for
// wait in asked, as they would in a queue, until assign gives them to a prober.
type memory struct {
	mu          sync.Mutex
	now         func() time.Time
	policy      endpoint.Policy
	endpoints   []endpoint.Opened
	vantages    []endpoint.Vantage
	tokens      map[string]uuid.UUID
	offers      []*endpoint.Offer
	asked       []endpoint.Offer
	attempts    []endpoint.Attempt
	days        []endpoint.Day
	maintenance []endpoint.Maintenance
	proofs      []endpoint.Proof
	links       []endpoint.Link
	hits        []endpoint.Hit
	linkages    []endpoint.Linkage
	twins       []endpoint.Opened
	entries     []audit.Entry
	openings    []string // keys of those that have an entry
	writes      int      // calls that wrote something
}

var _ endpoint.Store = (*memory)(nil)

func (m *memory) Policy(context.Context) (endpoint.Policy, error) { return m.policy, nil }

func (m *memory) Opened(_ context.Context, o audit.Opening) error {
	key := o.What + o.Via.String() + o.Object.String()
	if !slices.Contains(m.openings, key) {
		m.openings, m.entries = append(m.openings, key), append(m.entries, o.Entry)
	}
	return nil
}

func (m *memory) opened(e endpoint.Opened) endpoint.Opened {
	waits := func(o endpoint.Offer) bool {
		return o.EndpointID == e.ID && o.Kind != vantage.KindSlot && o.DoneAt == nil
	}
	e.Pending = slices.ContainsFunc(m.asked, waits) || slices.ContainsFunc(m.offers, func(o *endpoint.Offer) bool { return waits(*o) })
	return e
}

func (m *memory) Of(_ context.Context, application uuid.UUID) ([]endpoint.Opened, error) {
	var out []endpoint.Opened
	for _, e := range m.endpoints {
		if e.ApplicationID == application && e.State == endpoint.Active {
			out = append(out, m.opened(e))
		}
	}
	return out, nil
}

func (m *memory) Twins(context.Context, uuid.UUID) ([]endpoint.Opened, error) { return m.twins, nil }

func (m *memory) index(id uuid.UUID) int {
	return slices.IndexFunc(m.endpoints, func(e endpoint.Opened) bool { return e.ID == id })
}

func (m *memory) Endpoint(_ context.Context, id uuid.UUID) (endpoint.Opened, error) {
	i := m.index(id)
	if i < 0 {
		return endpoint.Opened{}, errs.New(errs.NotFound, "endpoint_not_found", "There is no such endpoint.")
	}
	return m.opened(m.endpoints[i]), nil
}

func (m *memory) UpdateEndpoint(ctx context.Context, id uuid.UUID, fn func(*endpoint.Change) error) (endpoint.Opened, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, err := m.Endpoint(ctx, id)
	if err != nil {
		return e, err
	}
	c := endpoint.Change{Endpoint: e, Now: m.now()}
	all := m.asked
	for _, o := range m.offers {
		all = append(slices.Clone(all), *o)
	}
	for _, o := range all {
		other, _ := m.Endpoint(ctx, o.EndpointID)
		if o.Kind != vantage.KindSlot && o.Slot.After(c.Now.Add(-time.Hour)) && other.ApplicationID == e.ApplicationID {
			c.Asked.Application++
			if o.EndpointID == id {
				c.Asked.Endpoint++
			}
		}
	}
	for _, b := range m.maintenance {
		if b.EndpointID == id && b.To.After(c.Now.AddDate(0, 0, -30)) {
			c.Declared += b.To.Sub(b.From)
		}
	}
	if err := fn(&c); err != nil {
		return endpoint.Opened{}, err
	}
	m.writes++
	m.endpoints[m.index(id)] = c.Endpoint
	m.asked = append(m.asked, c.NewOffers...)
	m.maintenance = append(m.maintenance, c.Maintenance...)
	m.entries = append(m.entries, c.Entries...)
	return m.opened(c.Endpoint), nil
}

func (m *memory) CreateVantage(_ context.Context, v endpoint.Vantage, tokenHash []byte, e audit.Entry) error {
	m.vantages = append(m.vantages, v)
	m.tokens[string(tokenHash)] = v.ID
	m.entries = append(m.entries, e)
	return nil
}

func (m *memory) Vantages(context.Context, time.Time) ([]endpoint.Vantage, error) {
	return slices.Clone(m.vantages), nil
}

func (m *memory) vantage(id uuid.UUID) *endpoint.Vantage {
	for i := range m.vantages {
		if m.vantages[i].ID == id {
			return &m.vantages[i]
		}
	}
	return nil
}

func (m *memory) Vantage(_ context.Context, id uuid.UUID, _ time.Time) (endpoint.Vantage, error) {
	if v := m.vantage(id); v != nil {
		return *v, nil
	}
	return endpoint.Vantage{}, errs.New(errs.NotFound, "vantage_not_found", "There is no such prober.")
}

func (m *memory) Enrol(_ context.Context, tokenHash, publicKey []byte, _ time.Time) (endpoint.Vantage, error) {
	id, known := m.tokens[string(tokenHash)]
	if !known {
		return endpoint.Vantage{}, errs.New(errs.NotFound, "enrolment_unknown", "This token is not known.")
	}
	delete(m.tokens, string(tokenHash))
	v := m.vantage(id)
	v.PublicKey = bytes.Clone(publicKey)
	return *v, nil
}

func (m *memory) DisableVantage(_ context.Context, id uuid.UUID, now time.Time, e audit.Entry) error {
	m.vantage(id).DisabledAt = &now
	m.entries = append(m.entries, e)
	return nil
}

func (m *memory) Take(_ context.Context, id uuid.UUID, askedAt time.Time, sw string, lease uuid.UUID, now, _ time.Time, most, _ int) ([]endpoint.Taken, error) {
	v := m.vantage(id)
	if v.AskedAt != nil && !askedAt.After(*v.AskedAt) {
		return nil, errs.New(errs.Conflict, "replayed", "This request was made before.")
	}
	v.AskedAt, v.SW = &askedAt, sw
	var out []endpoint.Taken
	for _, o := range m.offers {
		if o.VantageID == id && o.LeaseID == nil && o.DoneAt == nil && !o.Due.After(now) && len(out) < most {
			o.LeaseID = &lease
			out = append(out, endpoint.Taken{Offer: *o, Endpoint: m.endpoints[m.index(o.EndpointID)]})
		}
	}
	return out, nil
}

func (m *memory) Lease(_ context.Context, id, lease uuid.UUID) ([]endpoint.Taken, error) {
	var out []endpoint.Taken
	for _, o := range m.offers {
		if o.VantageID == id && o.LeaseID != nil && *o.LeaseID == lease {
			out = append(out, endpoint.Taken{Offer: *o, Endpoint: m.endpoints[m.index(o.EndpointID)]})
		}
	}
	if len(out) == 0 {
		return nil, errs.New(errs.NotFound, "lease_unknown", "There is no such lease.")
	}
	return out, nil
}

func (m *memory) Record(_ context.Context, in endpoint.Intake) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.vantage(in.VantageID)
	if in.Seq != v.Seq+1 || in.Prev != v.Prev {
		return errs.New(errs.Conflict, "report_out_of_order", "This report does not follow.")
	}
	m.writes++
	v.Seq, v.Prev, v.SeenAt = in.Seq, in.SHA256, &in.Now
	for _, c := range in.Canaries {
		if c.Right {
			v.CanaryGood++
		} else {
			v.CanaryBad++
		}
	}
	for _, a := range in.Attempts {
		for _, o := range m.offers {
			if o.ID == a.OfferID && o.DoneAt == nil {
				o.DoneAt = &in.Now
				m.attempts = append(m.attempts, a)
			}
		}
	}
	for _, l := range in.Latest {
		e := &m.endpoints[m.index(l.EndpointID)]
		if e.LastAt == nil || l.At.After(*e.LastAt) {
			at := l.At
			e.LastAt, e.LastVerdict, e.LastStage, e.LastClass = &at, l.Verdict, l.Stage, l.Class
		}
		switch l.Slot {
		case endpoint.SlotUp:
			e.FailedSlots = 0
		case endpoint.SlotDown:
			e.FailedSlots++
		case endpoint.SlotOpen:
		}
	}
	for _, p := range in.Proofs {
		if e := &m.endpoints[m.index(p.EndpointID)]; p.Held {
			at, again, until := p.At, p.AgainAt, p.ValidUntil
			e.Control, e.ProvenAt, e.ProveAgainAt, e.ProvenUntil = kindOf(p.Kind), &at, &again, &until
		}
	}
	m.proofs = append(m.proofs, in.Proofs...)
	m.links = append(m.links, in.Links...)
	m.hits = append(m.hits, in.Hits...)
	m.asked = append(m.asked, in.Confirm...)
	m.entries = append(m.entries, in.Entries...)
	return nil
}

func (m *memory) Attempts(_ context.Context, id uuid.UUID, from, to time.Time, limit int) ([]endpoint.Attempt, error) {
	var out []endpoint.Attempt
	for _, a := range m.attempts {
		if a.EndpointID == id && !a.Started.Before(from) && a.Started.Before(to) {
			a.Vantage = m.vantage(a.VantageID).Name
			out = append(out, a)
		}
	}
	return out[max(0, len(out)-limit):], nil
}

func (m *memory) Unopened(ctx context.Context, id uuid.UUID, from, to time.Time, limit int) ([]endpoint.Attempt, error) {
	attempts, err := m.Attempts(ctx, id, from, to, limit)
	for i, a := range attempts {
		attempts[i] = endpoint.Attempt{
			EndpointID: id, VantageID: a.VantageID, Kind: a.Kind, Place: a.Place, Slot: a.Slot, Attempt: a.Attempt, Started: a.Started, Verdict: a.Verdict, Class: a.Class,
		}
	}
	return attempts, err
}

func (m *memory) ExitAttempt(ctx context.Context, id uuid.UUID, from, to time.Time) (endpoint.Attempt, bool, error) {
	attempts, err := m.Attempts(ctx, id, from, to, len(m.attempts))
	for _, a := range slices.Backward(attempts) {
		if a.ExitKnown {
			return a, true, err
		}
	}
	return endpoint.Attempt{}, false, err
}

func (m *memory) DayAttempts(_ context.Context, id uuid.UUID, p vantage.Place, day time.Time) ([]uptime.Attempt, error) {
	var out []uptime.Attempt
	for _, a := range m.attempts {
		if a.EndpointID == id && a.Place == p && a.Kind == vantage.KindSlot && uptime.Midnight(a.Slot).Equal(day) {
			out = append(out, uptime.Attempt{Slot: a.Slot, Attempt: a.Attempt, Verdict: string(a.Verdict), SHA256: a.SHA256})
		}
	}
	return out, nil
}

func (m *memory) Days(_ context.Context, id uuid.UUID, p vantage.Place, from, to time.Time) ([]endpoint.Day, error) {
	return filtered(m.days, func(d endpoint.Day) bool {
		return d.EndpointID == id && d.Place == p && !d.Day.Before(from) && d.Day.Before(to)
	}), nil
}

func (m *memory) Maintenance(_ context.Context, id uuid.UUID, from, to time.Time) ([]endpoint.Maintenance, error) {
	return filtered(m.maintenance, func(b endpoint.Maintenance) bool {
		return b.EndpointID == id && b.To.After(from) && b.From.Before(to)
	}), nil
}

func (m *memory) Proofs(_ context.Context, id uuid.UUID) ([]endpoint.Proof, error) {
	return filtered(m.proofs, func(p endpoint.Proof) bool { return p.EndpointID == id }), nil
}

func (m *memory) Hits(context.Context, uuid.UUID) ([]endpoint.Hit, error) { return m.hits, nil }

func (m *memory) Linkages(context.Context, uuid.UUID) ([]endpoint.Linkage, error) {
	return m.linkages, nil
}

func (m *memory) Fleet(context.Context, time.Time) (endpoint.Fleet, error) {
	return endpoint.Fleet{Waiting: len(m.asked)}, nil
}

func (m *memory) SaveSnapshot(context.Context, endpoint.StoredSnapshot) error { return nil }

func (m *memory) Snapshot(context.Context, uuid.UUID) (endpoint.StoredSnapshot, error) {
	return endpoint.StoredSnapshot{}, nil
}

func (m *memory) LatestSnapshot(context.Context, uuid.UUID) (endpoint.StoredSnapshot, error) {
	return endpoint.StoredSnapshot{}, nil
}

func filtered[T any](list []T, keep func(T) bool) []T {
	var out []T
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

// counted is a store in which so much was asked for already.
type counted struct {
	endpoint.Store
	asked endpoint.Asked
}

func (c counted) UpdateEndpoint(ctx context.Context, id uuid.UUID, fn func(*endpoint.Change) error) (endpoint.Opened, error) {
	return c.Store.UpdateEndpoint(ctx, id, func(change *endpoint.Change) error {
		change.Asked = c.asked
		return fn(change)
	})
}
