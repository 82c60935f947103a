package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/store/postgres/db"
)

func (s EndpointStore) Record(ctx context.Context, in endpoint.Intake) error {
	return s.inTx(ctx, func(ctx context.Context, q *db.Queries, tx pgx.Tx) error {
		if err := follow(ctx, q, in); err != nil {
			return err
		}
		in, err := stillOpen(ctx, q, in)
		if err != nil {
			return err
		}
		if err := insertAttempts(ctx, q, in.Attempts); err != nil {
			return err
		}
		if err := writeFindings(ctx, q, in); err != nil {
			return err
		}
		if err := s.enqueue(ctx, tx, in.Confirm); err != nil {
			return err
		}
		return s.record(ctx, q, in.Entries...)
	})
}

// follow puts the report into its prober's chain.
func follow(ctx context.Context, q *db.Queries, in endpoint.Intake) error {
	row, err := q.LockVantage(ctx, in.VantageID)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && row.DisabledAt != nil:
		return vantageNotFound()
	case err != nil:
		return err
	case in.Seq != uint64(row.Seq)+1 || in.Prev != [32]byte(row.Prev):
		return errs.New(
			errs.Conflict,
			vantage.CodeReportOutOfOrder,
			"This report does not follow on the one before. Nothing was written.",
		)
	}
	err = q.InsertReport(
		ctx,
		db.InsertReportParams{
			VantageID: in.VantageID,
			Seq:       int64(in.Seq),
			Prev:      in.Prev[:],
			Sha256:    in.SHA256[:],
			LeaseID:   in.Lease,
			At:        in.Now,
		},
	)
	if err != nil {
		return err
	}
	if err := q.VantageReported(
		ctx,
		db.VantageReportedParams{ID: in.VantageID, Seq: int64(in.Seq), Prev: in.SHA256[:], Now: in.Now, Sw: in.SW},
	); err != nil {
		return err
	}
	good, bad := int32(0), int32(0)
	for _, c := range in.Canaries {
		if c.Right {
			good++
		} else {
			bad++
		}
	}
	if good+bad == 0 {
		return nil
	}
	return q.CountCanary(ctx, db.CountCanaryParams{VantageID: in.VantageID, Now: in.Now, Good: good, Bad: bad})
}

// stillOpen ends the offers that the report answers and returns the report
// without what belongs to offers that had ended before.
func stillOpen(ctx context.Context, q *db.Queries, in endpoint.Intake) (endpoint.Intake, error) {
	if len(in.Attempts) == 0 {
		return in, nil
	}
	ids := make([]uuid.UUID, len(in.Attempts))
	for i, a := range in.Attempts {
		ids[i] = a.OfferID
	}
	ended, err := q.FinishOffers(
		ctx,
		db.FinishOffersParams{Now: in.Now, Ids: ids, VantageID: in.VantageID, LeaseID: in.Lease},
	)
	if err != nil {
		return in, err
	}
	if err := q.FinishRequests(ctx, in.Now, ended); err != nil {
		return in, err
	}
	open := map[uuid.UUID]bool{}
	for _, id := range ended {
		open[id] = true
	}
	type moment struct {
		endpoint uuid.UUID
		at       int64
	}
	type attempt struct {
		endpoint uuid.UUID
		slot     int64
		no       int
	}
	started, attempts := map[moment]bool{}, map[attempt]bool{}
	in.Attempts = only(in.Attempts, func(a endpoint.Attempt) bool {
		if !open[a.OfferID] {
			return false
		}
		started[moment{a.EndpointID, a.Started.UnixNano()}] = true
		attempts[attempt{a.EndpointID, a.Slot.UnixNano(), a.Attempt}] = true
		return true
	})
	in.Latest = only(in.Latest, func(l endpoint.Latest) bool { return started[moment{l.EndpointID, l.At.UnixNano()}] })
	in.Proofs = only(in.Proofs, func(p endpoint.Proof) bool { return open[p.OfferID] })
	in.Confirm = only(
		in.Confirm,
		func(o endpoint.Offer) bool { return attempts[attempt{o.EndpointID, o.Slot.UnixNano(), o.Attempt - 1}] },
	)
	return in, nil
}

// only returns those of list that keep lets through, in a slice of their own: a
// transaction may run again.
func only[T any](list []T, keep func(T) bool) []T {
	out := make([]T, 0, len(list))
	for _, v := range list {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}

func insertAttempts(ctx context.Context, q *db.Queries, list []endpoint.Attempt) error {
	if len(list) == 0 {
		return nil
	}
	rows := make([]db.InsertResultsParams, len(list))
	for i, a := range list {
		ms, err := json.Marshal(a.MS)
		if err != nil {
			return err
		}
		rows[i] = db.InsertResultsParams{
			OfferID:    a.OfferID,
			EndpointID: a.EndpointID,
			VantageID:  a.VantageID,
			Kind:       string(a.Kind),
			Mode:       string(a.Mode),
			Place:      string(a.Place),
			Slot:       a.Slot,
			Attempt:    int32(a.Attempt),
			Started:    a.Started,
			Verdict:    string(a.Verdict),
			Stage:      string(a.Stage),
			FailedAt:   string(a.FailedAt),
			Class:      string(a.Class),
			Ms:         ms,
			Record:     a.Record,
			ExitKnown:  a.ExitKnown,
			Sha256:     a.SHA256[:],
		}
	}
	_, err := q.InsertResults(ctx, rows)
	return err
}

// writeFindings writes what the attempts say of their endpoints.
func writeFindings(ctx context.Context, q *db.Queries, in endpoint.Intake) error {
	ids := make([]uuid.UUID, 0, len(in.Latest))
	slots := map[uuid.UUID]time.Time{}
	for _, l := range in.Latest {
		ids = append(ids, l.EndpointID)
	}
	for _, a := range in.Attempts {
		if a.Kind == vantage.KindSlot && a.Place == vantage.Outside && a.Slot.After(slots[a.EndpointID]) {
			slots[a.EndpointID] = a.Slot
		}
	}
	// In one order for everybody: two reports may be about the same endpoints.
	if err := q.LockEndpoints(ctx, ids); err != nil {
		return err
	}
	for _, l := range in.Latest {
		err := q.SetLatest(ctx, db.SetLatestParams{
			ID:        l.EndpointID,
			At:        l.At,
			Verdict:   string(l.Verdict),
			Stage:     string(l.Stage),
			Class:     string(l.Class),
			VantageID: in.VantageID,
			Outcome:   string(l.Slot),
			Slot:      nullTime(slots[l.EndpointID]),
		})
		if err != nil {
			return err
		}
	}
	if err := writeProofs(ctx, q, in.Proofs); err != nil {
		return err
	}
	for _, l := range in.Links {
		err := q.PutEndpointLink(
			ctx,
			db.PutEndpointLinkParams{EndpointID: l.EndpointID, Kind: string(l.Kind), Index: l.Index, SeenAt: l.SeenAt},
		)
		if err != nil {
			return err
		}
	}
	return writeHits(ctx, q, in.Hits)
}

func writeProofs(ctx context.Context, q *db.Queries, proofs []endpoint.Proof) error {
	for _, p := range proofs {
		arg := db.InsertProofParams{
			ID:         p.ID,
			EndpointID: p.EndpointID,
			OfferID:    p.OfferID,
			Kind:       p.Kind,
			Held:       p.Held,
			Why:        p.Why,
			VantageID:  p.VantageID,
			At:         p.At,
		}
		if p.Held {
			arg.AgainAt, arg.ValidUntil = &p.AgainAt, &p.ValidUntil
		}
		if err := q.InsertProof(ctx, arg); err != nil {
			return err
		}
		if !p.Held {
			continue
		}
		err := q.ProveEndpoint(
			ctx,
			db.ProveEndpointParams{
				ID:         p.EndpointID,
				Kind:       p.Kind,
				At:         p.At,
				AgainAt:    p.AgainAt,
				ValidUntil: p.ValidUntil,
			},
		)
		if err != nil {
			return err
		}
	}
	return nil
}

func writeHits(ctx context.Context, q *db.Queries, hits []endpoint.Hit) error {
	cleared := map[db.ClearHitsParams]bool{}
	for _, h := range hits {
		key := db.ClearHitsParams{EndpointID: h.EndpointID, What: h.What, List: h.List}
		if !cleared[key] {
			cleared[key] = true
			if err := q.ClearHits(ctx, key); err != nil {
				return err
			}
		}
		err := q.InsertHit(ctx, db.InsertHitParams{
			EndpointID: h.EndpointID,
			What:       h.What,
			List:       h.List,
			Version:    h.Version,
			OrderNo:    h.Order,
			Permille:   int32(h.Permille),
			FoundAt:    h.FoundAt,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
