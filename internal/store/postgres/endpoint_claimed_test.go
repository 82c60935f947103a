package postgres_test

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// TestAnApplicationsEndpointsFollowItsRevisions writes through the grant store: the servers of an application and the
// rest of it stand or fall together.
func TestAnApplicationsEndpointsFollowItsRevisions(t *testing.T) {
	t.Parallel()
	f := newField(t, 0)
	path := filepath.Join(t.TempDir(), "seal.key")
	wantCode(t, seal.GenerateKeyFile(path), "")
	keys, err := seal.Load(path)
	wantCode(t, err, "")
	servers, err := endpoint.NewRegister(keys, rand.Reader)
	wantCode(t, err, "")
	store := postgres.GrantStore{DB: f.app.DB, Servers: servers}
	wantCode(t, f.owner.Bind(t.Context(), "regtest", strings.Repeat("0", 64)), "")
	fund, err := store.Fund(t.Context())
	wantCode(t, err, "")
	a := grant.Application{
		ID: uuid.New(), FundID: fund.ID, Reference: "GR-AAAAAA", Designation: "Grey Owl", State: grant.Submitted, Revision: 1, Version: 1, Protocols: []string{"socks5"},
		Region: "ru", Language: "en", Amount: 2000, ReceiptHash: []byte("receipt"), PayeeIndex: []byte("payee"),
		SubmittedAt: checkSlot, ChangedAt: checkSlot,
	}
	data, wrapped, err := keys.NewDataKey(a.ID.String())
	wantCode(t, err, "")
	a.DataKey = wrapped
	const kept, dropped, added = "socks5://192.0.2.1:1080", "socks5://192.0.2.2:1080", "socks5://192.0.2.3:1080"
	claims := func(links ...string) claim.Claims {
		var list []claim.Endpoint
		for _, l := range links {
			list = append(list, claim.Endpoint{Link: l})
		}
		return claim.Read(list)
	}
	key := sha256.Sum256([]byte("key"))
	submission := grant.Submission{
		Scope: "apply", KeyHash: key[:], BodySHA256: key[:], Application: a,
		Claim: func(s grant.Servers) error {
			if err := s.Claim(claims(kept, dropped), 1, data); err != nil {
				return err
			}
			return errors.New("refused after it was claimed")
		},
		Revision: grant.Revision{ApplicationID: a.ID, Revision: 1, Body: []byte("sealed"), Amount: 2000, CreatedAt: checkSlot},
		Decision: grant.Decision{ID: uuid.New(), ApplicationID: a.ID, Revision: 1, GrantID: uuid.New(), Digest: decision.Digest(key), Note: []byte("sealed"), Amount: 2000, CreatedAt: checkSlot},
		Entry:    audit.Entry{Actor: identity.Operator(a.ID), Action: "application.submitted", ObjectKind: "application", ObjectID: a.ID.String(), To: "submitted", At: checkSlot},
	}
	_, refusal := store.Submit(t.Context(), submission)
	var written int
	err = f.owner.Pool().QueryRow(t.Context(), "SELECT (SELECT count(*) FROM endpoint) + (SELECT count(*) FROM application WHERE id = $1)", a.ID).Scan(&written)
	if refusal == nil || err != nil || written != 0 {
		t.Fatalf("a submission that was refused (%v) wrote %d rows, %v", refusal, written, err)
	}
	submission.Claim = func(s grant.Servers) error { return s.Claim(claims(kept, dropped), 1, data) }
	_, err = store.Submit(t.Context(), submission)
	wantCode(t, err, "")
	first, err := f.app.Of(t.Context(), a.ID)
	if err != nil || len(first) != 2 {
		t.Fatalf("claimed: %+v, %v", first, err)
	}
	keep, drop := first[0], first[1]
	exec(t, f.owner, "UPDATE endpoint SET control = 'dns', proven_at = $1::timestamptz, proven_until = $1::timestamptz + interval '1 h' WHERE id = $2", checkSlot, keep.ID)
	exec(t, f.owner, "UPDATE check_policy SET require_control = true")

	revise := func(now time.Time, change func(*grant.Work) error) error {
		_, err := store.UpdateApplication(t.Context(), a.ID, now, func(w *grant.Work) error {
			w.Entries = []audit.Entry{{Actor: identity.System("test"), Action: "application.revised", ObjectKind: "application", ObjectID: a.ID.String(), At: checkSlot}}
			return change(w)
		})
		return err
	}
	control := func(now time.Time) (labels []string) {
		t.Helper()
		_, err := store.UpdateApplication(t.Context(), a.ID, now, func(w *grant.Work) error {
			needed, claimed, unproven := w.Servers.Control()
			if !needed || claimed != 2 {
				t.Errorf("control is needed: %t, of %d servers", needed, claimed)
			}
			labels = unproven
			return nil
		})
		wantCode(t, err, "")
		return labels
	}
	if diff := cmp.Diff([]string{drop.Label}, control(checkSlot)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{keep.Label, drop.Label}, control(checkSlot.Add(time.Hour))); diff != "" {
		t.Errorf("once the proof has ended: %s", diff)
	}
	refused := errors.New("refused")
	if err := revise(checkSlot, func(w *grant.Work) error { w.Servers.Retire(); return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}
	if list, err := f.app.Of(t.Context(), a.ID); err != nil || len(list) != 2 {
		t.Errorf("what was refused retired servers: %+v, %v", list, err)
	}
	wantCode(t, revise(checkSlot, func(w *grant.Work) error { return w.Servers.Claim(claims(added, kept), 2, data) }), "")
	list, err := f.app.Of(t.Context(), a.ID)
	if err != nil || len(list) != 2 || list[0].ID != keep.ID || list[0].Control != "dns" || list[1].ID == drop.ID || list[1].Position != claim.MaxEndpoints {
		t.Errorf("now: %+v, %v", list, err)
	}
	gone, err := f.app.Endpoint(t.Context(), drop.ID)
	if err != nil || gone.State != endpoint.Retired || !gone.RetiredAt.Equal(checkSlot) {
		t.Errorf("retired: %+v, %v", gone.Endpoint, err)
	}
	if _, err := f.owner.Pool().Exec(t.Context(), "UPDATE endpoint SET state = 'active', retired_at = NULL WHERE id = $1", drop.ID); err == nil {
		t.Error("a retired endpoint came back")
	}
}
