package api

import (
	"encoding/hex"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// orEmpty makes a missing list "[]" in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func standing(a grant.Application) ApplicationStanding {
	//nolint:gosec // counts up by one
	return ApplicationStanding{
		Id:        a.ID,
		Reference: a.Reference,
		State:     ApplicationState(a.State),
		Revision:  int32(a.Revision),
		Version:   a.Version,
	}
}

func claimOf(c *grant.Claim, by identity.Actor) *Claim {
	if c == nil {
		return nil
	}
	return &Claim{By: c.StaffName, Mine: c.StaffID == by.StaffID, ExpiresAt: c.ExpiresAt}
}

func tally(approve, decline, quorum int) Tally {
	//nolint:gosec // numbers of people
	return Tally{
		Approve:  int32(approve),
		Decline:  int32(decline),
		Required: int32(quorum),
	}
}

func screened(found []screen.Finding) []Screened {
	out := make([]Screened, len(found))
	for i, f := range found {
		out[i] = Screened{
			Check:  string(f.Check),
			Level:  ScreenedLevel(f.Level.String()),
			Reason: f.Reason,
			Others: make([]ApplicationName, len(f.Others)),
		}
		for j, o := range f.Others {
			out[i].Others[j] = ApplicationName{Id: o.ID, Reference: o.Reference}
		}
	}
	return out
}

func events(history []grant.Happening) []Event {
	out := make([]Event, 0, len(history))
	for _, h := range history {
		e := Event{
			At:    h.At,
			Event: h.Action,
			From:  optional(h.From),
			To:    optional(h.To),
			By:    EventBy(h.ActorKind),
			Name:  optional(h.StaffName),
		}
		if len(h.Detail) > 0 {
			e.Detail = &h.Detail
		}
		out = append(out, e)
	}
	return out
}

func messages(texts []grant.Text) []Message {
	out := make([]Message, 0, len(texts))
	for _, t := range texts {
		m := Message{
			At:       t.At,
			From:     MessageFromTeam,
			Author:   optional(t.StaffName),
			Audience: Audience(t.Audience),
			Text:     t.Text,
		}
		if t.FromOperator {
			m.From = MessageFromOperator
		}
		out = append(out, m)
	}
	return out
}

func payment(p grant.Payment) Payment {
	out := Payment{
		AmountSat:     int64(p.Amount),
		State:         InstalmentState(p.State),
		Standing:      Standing(p.Standing),
		Confirmations: p.Confirmations,
		BatchNumber:   optional(p.BatchNumber),
	}
	if p.TxID != "" {
		vout := int64(p.Vout)
		out.Txid, out.Vout = &p.TxID, &vout
	}
	return out
}
