package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// apiGet reads path of the API with a token.
func (r *rig) apiGet(ctx context.Context, token, path string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := (&http.Client{}).Do(req)
	if err != nil {
		return 0, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), errors.Join(err, resp.Body.Close())
}

// token makes an API token of a reviewer with these scopes.
func (r *rig) token(name string, scopes ...identity.Permission) string {
	r.t.Helper()
	r.hire(name, identity.RoleReviewer)
	var id uuid.UUID
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), "SELECT id FROM staff WHERE name = $1", name).Scan(&id))
	by := identity.Actor{Kind: identity.KindStaff, StaffID: id, Name: name, Roles: []identity.Role{identity.RoleReviewer}, SessionID: uuid.New()}
	_, secret, err := r.identity.CreateToken(r.t.Context(), by, "test", scopes, time.Hour)
	must(r.t, err)
	return secret
}

// leaves counts the leaves of an action.
func (r *rig) leaves(action string) (n int) {
	r.t.Helper()
	must(r.t, r.owner.Pool().QueryRow(r.t.Context(), "SELECT count(*) FROM audit_leaf WHERE action = $1", action).Scan(&n))
	return n
}

// TestATokenThatMayOnlyReadOpensNothing asks the API for all that is sealed, with a
// token that may open it and with one that may not.
func TestATokenThatMayOnlyReadOpensNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.idOf(r.apply(0, func(p *grant.Proposal) {
		p.Title, p.Narrative, p.Contact = "canarytitle", "canarynarrative and some more words", "canarycontact"
		p.Endpoints[0].Host, p.Endpoints[0].Note = "canaryhost.example.org", "canarynote"
	}))
	blind, open := r.token("Ada", identity.PermApplicationRead), r.token("Bo", identity.PermApplicationRead, identity.PermApplicationUnseal)
	listed := r.leaves("fund.titles_unsealed") // by the pages of those who signed in to make a token
	for _, path := range []string{"/v1/applications", "/v1/applications/" + id} {
		status, body, err := r.apiGet(t.Context(), blind, path)
		must(t, err)
		if status != http.StatusOK || strings.Contains(body, "canary") || strings.Contains(body, payee(t, 0)) {
			t.Errorf("%s without unseal: %d %s", path, status, body)
		}
	}
	if n, titles := r.leaves("application.unsealed"), r.leaves("fund.titles_unsealed")-listed; n+titles != 0 {
		t.Errorf("nothing was opened, and it left %d leaves", n+titles)
	}
	for range 2 {
		for path, words := range map[string][]string{
			"/v1/applications": {"canarytitle"}, "/v1/applications/" + id: {"canarytitle", "canarynarrative", "canaryhost", payee(t, 0), "causeway/decision/v2"},
		} {
			_, body, err := r.apiGet(t.Context(), open, path)
			must(t, err)
			for _, word := range words {
				if !strings.Contains(body, word) || strings.Contains(body, "canarycontact") {
					t.Errorf("%s with unseal: %s", path, body)
				}
			}
		}
	}
	if n, titles := r.leaves("application.unsealed"), r.leaves("fund.titles_unsealed")-listed; n != 1 || titles != 1 {
		t.Errorf("%d leaves of the application and %d of the titles, want one each", n, titles)
	}
	_, body, err := r.apiGet(t.Context(), blind, "/v1/applications/"+id)
	must(t, err)
	var got struct {
		Sealed bool
		Checks []struct{ Check, Level, Reason string }
	}
	must(t, json.Unmarshal([]byte(body), &got))
	if !got.Sealed || len(got.Checks) != 7 {
		t.Errorf("sealed %v, %d checks", got.Sealed, len(got.Checks))
	}
}

// onlyReading lets everybody who signs in read applications, and open none.
type onlyReading struct{ *identity.Service }

func (a onlyReading) Authenticate(ctx context.Context, session string) (identity.Actor, identity.Session, error) {
	by, found, err := a.Service.Authenticate(ctx, session)
	by.TokenID, by.Scopes = uuid.New(), []identity.Permission{identity.PermApplicationRead, identity.PermApplicationVote, identity.PermApplicationDecide, identity.PermSessionManage}
	return by, found, err
}

// TestThePageOfWhoMayNotOpenIsSealed reads the pages of an application as somebody who
// may read the queue and vote, and may not open what is sealed.
func TestThePageOfWhoMayNotOpenIsSealed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	id := r.idOf(r.apply(0, func(p *grant.Proposal) {
		p.Title, p.Narrative, p.Contact = "canarytitle", "canarynarrative and some more words", "canarycontact"
		p.Endpoints[0].Host, p.Endpoints[0].Note = "canaryhost.example.org", "canarynote"
	}))
	bo := r.hire("Bo", identity.RoleReviewer)
	bo.vote(id, "approve", "canaryvote").wants(200, "canaryvote")
	bo.submit(bo.get("/review/"+id), "/review/"+id+"/message", url.Values{"text": {"canarymessage"}}).wants(200, "canarymessage")
	leaves := r.leaves("application.unsealed") + r.leaves("fund.titles_unsealed")

	r.auth = onlyReading{r.identity}
	r.serve(r.endpoints)
	ada := r.hire("Ada", identity.RoleReviewer)
	before := r.leaves("application.unsealed") + r.leaves("fund.titles_unsealed")
	var reference string
	must(t, r.owner.Pool().QueryRow(t.Context(), "SELECT reference FROM application").Scan(&reference))
	for path, says := range map[string][]string{
		"/review/" + id:                             {reference, "What the operator wrote is sealed", "Sealed", "200 000", "Automatic checks", "Bo"},
		"/review?id=" + id:                          {reference, "What the operator wrote is sealed"},
		"/review?view=all&protocol=socks5":          {reference},
		"/review/" + id + "?back=%2Freview%3Fq%3Dx": {reference},
	} {
		p := ada.get(path).wants(200, says...)
		for _, word := range []string{"canary", payee(t, 0), "causeway/decision/v2"} {
			if strings.Contains(string(p.body), word) {
				t.Errorf("%s shows %q to somebody who may not open it", path, word)
			}
		}
		if p.has("/review/"+id+"/vote") || p.has("/review/"+id+"/decide") {
			t.Errorf("%s offers a vote or a decision on what cannot be read", path)
		}
	}
	// In place of the statement, and in place of the vote.
	if n := strings.Count(ada.get("/review/"+id).text(), "What the operator wrote is sealed"); n != 2 {
		t.Errorf("the page says %d times that it is sealed, want 2", n)
	}
	if n := r.leaves("application.unsealed") + r.leaves("fund.titles_unsealed"); n != before || before != leaves {
		t.Errorf("nothing was opened, and the log grew from %d to %d leaves", leaves, n)
	}
}

// TestParallelGetsOfAPageLeaveOneLeaf opens one page in one session several times
// at once, and again.
func TestParallelGetsOfAPageLeaveOneLeaf(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := r.idOf(r.apply(0)), r.idOf(r.apply(1))
	token := r.token("Bo", identity.PermApplicationRead, identity.PermApplicationUnseal)
	type answer struct {
		status int
		err    error
	}
	answers := make(chan answer)
	for range 6 {
		go func() {
			status, _, err := r.apiGet(t.Context(), token, "/v1/applications/"+one)
			answers <- answer{status, err}
		}()
	}
	for range 6 {
		if a := <-answers; a.err != nil || a.status != http.StatusOK {
			t.Errorf("%+v", a)
		}
	}
	if n := r.leaves("application.unsealed"); n != 1 {
		t.Errorf("six GETs at once left %d leaves", n)
	}

	listed := r.leaves("fund.titles_unsealed")
	ada := r.hire("Ada", identity.RoleReviewer)
	for range 2 {
		ada.get("/review/"+one).wants(200, "opened what the operator wrote")
		ada.get("/review?id=" + one).wants(200)
	}
	if n, titles := r.leaves("application.unsealed"), r.leaves("fund.titles_unsealed")-listed; n != 2 || titles != 1 {
		t.Errorf("after a session's pages there are %d leaves, and %d of titles; want 2 and 1", n, titles)
	}
	ada.get("/review/" + two).wants(200)
	if n := r.leaves("application.unsealed"); n != 3 {
		t.Errorf("another application left %d leaves in all, want 3", n)
	}
}
