package grant_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/review/screen"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// desk is a store that keeps what use cases hand it.
type desk struct {
	grant.Store
	fund      fund.Fund
	submitted *grant.Submission
	work      grant.Work // what the next update finds, and what it made of it
	facts     screen.Facts
	register  *endpoint.Register
	servers   *endpoint.Claimed // of the latest submission or update
	live      []endpoint.Endpoint
	policy    endpoint.Policy
}

func (d *desk) Fund(context.Context) (fund.Fund, error) { return d.fund, nil }

func (d *desk) Replay(context.Context, string, []byte) (*grant.Replay, error) {
	return nil, nil // the key was not used
}

func (d *desk) Submit(_ context.Context, s grant.Submission) (*grant.Replay, error) {
	d.submitted = &s
	d.work = grant.Work{Application: s.Application, Decision: s.Decision}
	d.servers = d.register.Of(s.Application.ID, nil, d.policy, epoch)
	return nil, s.Claim(d.servers)
}

// keep has the database hold what the submission claimed; proven until a day later.
func (d *desk) keep() {
	until := epoch.AddDate(0, 0, 1)
	for _, e := range d.servers.Added {
		e.ProvenAt, e.ProvenUntil = &epoch, &until
		d.live = append(d.live, e.Endpoint)
	}
}

func (d *desk) ApplicationByReceipt(context.Context, []byte, time.Time) (grant.Record, error) {
	return grant.Record{Application: d.work.Application}, nil
}

func (d *desk) Screen(context.Context, uuid.UUID, time.Time) (screen.Facts, error) {
	return d.facts, nil
}

func (d *desk) UpdateApplication(_ context.Context, _ uuid.UUID, _ time.Time, fn func(*grant.Work) error) (grant.Application, error) {
	d.servers = d.register.Of(d.work.Application.ID, d.live, d.policy, epoch)
	d.work.Servers = d.servers
	err := fn(&d.work)
	return d.work.Application, err
}

func newDesk(t testing.TB) (*grant.Service, *desk, *seal.Keyring) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "seal.key")
	noError(t, seal.GenerateKeyFile(path))
	keys, err := seal.Load(path)
	noError(t, err)
	d := &desk{fund: fund.Fund{
		ID: uuid.New(), Network: network, Descriptor: account(t, 1).String(), Budget: 50_000_000, MinAmount: 10_000, MaxAmount: 5_000_000,
		Quorum: 2, MaxFeeRateSatKVB: 100_000, MaxFee: 100_000, PayWindow: 90 * 24 * time.Hour,
	}}
	d.register, err = endpoint.NewRegister(keys, rand.Reader)
	noError(t, err)
	s, err := grant.New(grant.Config{Store: d, Keys: keys, Clock: clock.NewFake(epoch)})
	noError(t, err)
	return s, d, keys
}

// claiming returns a proposal with these links.
func claiming(t testing.TB, links ...string) grant.Proposal {
	t.Helper()
	p := proposal(t, 1)
	p.Endpoints = nil
	for _, l := range links {
		p.Endpoints = append(p.Endpoints, claim.Endpoint{Link: l, Note: "n"})
	}
	return p
}

const (
	telegram  = "tg://proxy?server=203.0.113.9&port=443&secret=dd000102030405060708090a0b0c0d0e0f"
	socks     = "socks5://mira:swordfish@relay.example.org:1080"
	wireguard = `[Interface]
PrivateKey = aPCVUn0wDMqPzVUuPaqVYzOGQjVrM7ExZVrzVvHTE1w=
Address = 10.0.0.2/32
[Peer]
PublicKey = 1SBmLIvZDvXTcFqVz7jtSWw0EPAjJLw8CNBVSA4bNHk=
Endpoint = [2001:db8::9]:51820
AllowedIPs = 0.0.0.0/0`
)

func TestEndpointsOfLinksAreUnderstoodAndSealed(t *testing.T) {
	t.Parallel()
	s, d, keys := newDesk(t)
	p := claiming(t, telegram, socks, wireguard)
	p.Endpoints[1].Username, p.Endpoints[1].Secret, p.Endpoints[1].Host = "typed-beside-it", "typed-beside-it", "typed-beside-it"

	_, err := s.Submit(t.Context(), key(1), p)

	noError(t, err)
	sub := d.submitted
	if diff := cmp.Diff([]string{"mtproto", "socks5", "wireguard"}, sub.Application.Protocols); diff != "" {
		t.Error(diff)
	}
	data, err := keys.Open(sub.Application.ID.String(), sub.Application.DataKey)
	noError(t, err)
	body, err := data.Open(seal.AAD{Table: "application_revision", Column: "body", Row: sub.Application.ID.String(), Version: 1}, sub.Revision.Body)
	noError(t, err)
	if strings.Contains(string(body), "typed-beside-it") || !strings.Contains(string(body), "relay.example.org\"") {
		t.Errorf("the application holds %s", body)
	}
	kinds := map[string]string{}
	for i, e := range d.servers.Added {
		text, err := data.Open(endpoint.SpecAAD(e.ID), e.Spec)
		noError(t, err)
		if want := []string{telegram, socks, wireguard}[i]; string(text) != want {
			t.Errorf("endpoint %d holds %q", i, text)
		}
		if e.Position != i || !strings.HasPrefix(e.Label, "EP-") || len(e.Label) != 11 || len(e.SpecIndex) != sha256.Size {
			t.Errorf("%+v", e)
		}
		if wait := e.ChecksFrom.Sub(epoch); wait < 15*time.Minute-time.Second || wait > time.Hour {
			t.Errorf("checks begin after %s", wait)
		}
		for _, l := range e.Links {
			kinds[string(e.Protocol)] += string(l.Kind) + " "
		}
	}
	want := map[string]string{"mtproto": "spec listen_ip listen_net secret ", "socks5": "spec ", "wireguard": "spec listen_ip listen_net server_key "}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if a, b := d.servers.Added[0].ChecksFrom, d.servers.Added[1].ChecksFrom; a.Equal(b) {
		t.Error("two endpoints begin at once")
	}
	id, err := s.ApplicationOf(t.Context(), "anything")
	if !errs.Is(err, "receipt_unknown") {
		t.Errorf("%s, %v", id, err)
	}
}

func TestFieldsOfAFormAreReadWhereTheySayEnough(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		e    claim.Endpoint
		want string // protocol and fields of the spec; "" for claimed and no more
	}{
		{claim.Endpoint{Protocol: "socks5", Host: "a.example", Port: 1080}, "socks5 server=a.example:1080"},
		{claim.Endpoint{Protocol: "socks5", Host: "2001:db8::1", Port: 1080, Username: "m:i@r&a", Secret: "50%#@?"}, "socks5 server=[2001:db8::1]:1080 user=m:i@r&a password=50%#@?"},
		{claim.Endpoint{Protocol: "http-connect", Host: "192.0.2.1", Port: 8080, Username: "u"}, "http_connect server=192.0.2.1:8080 user=u"},
		{claim.Endpoint{Protocol: "mtproto", Host: "a.example", Port: 443, Secret: "000102030405060708090a0b0c0d0e0f"}, "mtproto server=a.example:443 kind=simple secret=000102030405060708090a0b0c0d0e0f"},
		{claim.Endpoint{Protocol: "trojan", Host: "a.example", Port: 443, Secret: "p@ss"}, "trojan server=a.example:443 sni=a.example password=p@ss"},
		{claim.Endpoint{Protocol: "mtproto", Host: "a.example", Port: 443}, ""},
		{claim.Endpoint{Protocol: "socks5", Host: "a.example", Port: 1080, Secret: "no name to it"}, ""},
		{claim.Endpoint{Protocol: "wireguard", Host: "a.example", Port: 51820}, ""},
		{claim.Endpoint{Protocol: "openvpn", Host: "a.example", Port: 1194}, ""},
		{claim.Endpoint{Protocol: "shadowsocks", Host: "a.example", Port: 8388, Secret: "x"}, ""},
		{claim.Endpoint{Protocol: "vless", Host: "a.example", Port: 443, Secret: "x"}, ""},
	} {
		s, d, keys := newDesk(t)
		p := proposal(t, 1)
		p.Endpoints = []claim.Endpoint{test.e}

		_, err := s.Submit(t.Context(), key(1), p)

		noError(t, err)
		got := ""
		if len(d.servers.Added) == 1 {
			e := d.servers.Added[0]
			data, err := keys.Open(d.submitted.Application.ID.String(), d.submitted.Application.DataKey)
			noError(t, err)
			text, err := data.Open(endpoint.SpecAAD(e.ID), e.Spec)
			noError(t, err)
			spec, err := link.Parse(string(text))
			noError(t, err)
			got = string(e.Protocol)
			for _, f := range spec.Fields() {
				got += " " + f.Name + "=" + f.Value
			}
		}
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.e, got, test.want)
		}
	}
}

func TestNothingTypedIntoAFormBecomesAnotherPartOfALink(t *testing.T) {
	t.Parallel()
	s, d, keys := newDesk(t)
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		p := proposal(t, 1)
		p.Endpoints = []claim.Endpoint{{
			Protocol: rapid.SampledFrom([]string{"socks5", "http-connect", "mtproto", "trojan"}).Draw(r, "protocol"),
			Host:     "relay.example.org", Port: 1080,
			Username: rapid.StringOfN(rapid.RuneFrom([]rune("ab@:/?#&=%+;., \"\\\u00e9")), 0, 8, -1).Draw(r, "user"),
			Secret:   rapid.StringOfN(rapid.RuneFrom([]rune("ab0@:/?#&=%+;., \"\\\u00e9")), 0, 8, -1).Draw(r, "secret"),
		}}
		_, err := s.Submit(t.Context(), key(n), p)
		noError(t, err)
		if len(d.servers.Added) == 0 {
			return // it does not say enough
		}
		e := d.servers.Added[0]
		data, err := keys.Open(d.submitted.Application.ID.String(), d.submitted.Application.DataKey)
		noError(t, err)
		text, err := data.Open(endpoint.SpecAAD(e.ID), e.Spec)
		noError(t, err)
		spec, err := link.Parse(string(text))
		noError(t, err)
		if at := spec.Server().String(); at != "relay.example.org:1080" {
			r.Fatalf("%q leads to %s", text, at)
		}
		for _, f := range spec.Fields() {
			if f.Name == "user" && f.Value != p.Endpoints[0].Username || f.Name == "password" && f.Value != p.Endpoints[0].Secret || f.Name == "sni" && f.Value != "relay.example.org" {
				r.Fatalf("%+v became %s %q", p.Endpoints[0], f.Name, f.Value)
			}
		}
	})
}

func TestRefusedLinksNameTheirLine(t *testing.T) {
	t.Parallel()
	s, d, _ := newDesk(t)
	p := claiming(t, strings.Replace(wireguard, "Address", "PostUp = rm -rf /\nAddress", 1), "tg://proxy?server=10.0.0.1.5&port=0&secret=xx", socks, socks)
	p.Endpoints[2].Note = strings.Repeat("n", 501)

	_, err := s.Submit(t.Context(), key(1), p)

	got := map[string][]string{}
	for _, f := range told(t, err).Fields {
		got[f.Field] = append(got[f.Field], string(f.Code)+" "+f.Params["where"])
		if strings.Contains(f.Message, "rm -rf") || strings.Contains(f.Message, "swordfish") {
			t.Errorf("it repeats %q", f.Message)
		}
	}
	want := map[string][]string{
		"endpoints[0].link": {"link_refused line 3"},
		"endpoints[1].link": {"link_refused server", "link_refused port", "link_refused secret"},
		"endpoints[2].note": {"too_long "},
		"endpoints[3].link": {"endpoint_twice "},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.submitted != nil {
		t.Error("something was written")
	}
}

func TestHostsThatNobodyElseReachesAreRefused(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"printer.local", "db.internal", "xyz.onion", "127.1.example.0x7f", "fe80::1%eth0", "1.2.3.400"} {
		s, _, _ := newDesk(t)
		p := proposal(t, 1)
		p.Endpoints[0].Host = host
		_, err := s.Submit(t.Context(), key(1), p)
		if f := told(t, err).Fields; len(f) != 1 || f[0].Code != "not_a_host" {
			t.Errorf("%s: %v", host, err)
		}
	}
}

// revised submits links, opens a question and revises to others; what the database has of the first ones is proven.
func revised(t *testing.T, before, after []string) (first []endpoint.Added, changed *endpoint.Claimed) {
	t.Helper()
	s, d, _ := newDesk(t)
	r, err := s.Submit(t.Context(), key(1), claiming(t, before...))
	noError(t, err)
	first = d.servers.Added
	d.keep()
	d.work.Application.State = grant.NeedsInfo
	_, err = s.Revise(t.Context(), r.Code, claiming(t, after...))
	noError(t, err)
	return first, d.servers
}

func TestRevisionKeepsUnchangedEndpointsAndTheirProof(t *testing.T) {
	t.Parallel()
	changed := strings.Replace(socks, "swordfish", "another", 1)

	first, now := revised(t, []string{telegram, socks}, []string{changed, "https://t.me/proxy?port=443&server=203.0.113.9&secret=dd000102030405060708090a0b0c0d0e0f"})

	if diff := cmp.Diff([]uuid.UUID{first[1].ID}, now.Retired); diff != "" {
		t.Error(diff)
	}
	if len(now.Added) != 1 || now.Added[0].Protocol != "socks5" || now.Added[0].Position != claim.MaxEndpoints {
		t.Errorf("%+v", now.Added)
	}
	if _, now := revised(t, []string{telegram, socks}, []string{socks, telegram}); len(now.Added)+len(now.Retired) != 0 {
		t.Errorf("the same again made %+v", now)
	}
}

func TestNothingIsApprovedWhileControlIsUnproven(t *testing.T) {
	t.Parallel()
	later := epoch.Add(time.Second)
	for name, test := range map[string]struct {
		need      bool
		endpoints []endpoint.Endpoint
		want      string
	}{
		"proven":      {true, []endpoint.Endpoint{{Label: "EP-1", ProvenAt: &epoch, ProvenUntil: &later}}, ""},
		"one is not":  {true, []endpoint.Endpoint{{Label: "EP-1", ProvenAt: &epoch, ProvenUntil: &later}, {Label: "EP-2"}}, "endpoint_unproven"},
		"one was":     {true, []endpoint.Endpoint{{Label: "EP-1", ProvenAt: &epoch, ProvenUntil: &epoch}}, "endpoint_unproven"},
		"none at all": {true, nil, "endpoint_unproven"},
		"nobody asks": {false, []endpoint.Endpoint{{Label: "EP-2"}}, ""},
	} {
		s, d, _ := newDesk(t)
		_, err := s.Submit(t.Context(), key(1), claiming(t, telegram))
		noError(t, err)
		w := newActor()
		d.work.Application.State, d.work.Available = grant.Ready, 1_000_000
		d.policy.RequireControl, d.live = test.need, test.endpoints
		for range 2 {
			d.work.Votes = append(d.work.Votes, grant.Vote{Digest: d.work.Decision.Digest, Verdict: grant.VerdictApprove})
		}

		_, err = s.Decide(t.Context(), w, grant.Decide{ID: d.work.Application.ID, Version: 1, Outcome: grant.VerdictApprove, Digest: d.work.Decision.Digest})

		wantCode(t, err, test.want)
		if test.want != "" && d.work.NewGrant != nil {
			t.Errorf("%s: a grant was made", name)
		}
		if name == "one is not" && !strings.Contains(err.Error(), "Not proven: EP-2.") {
			t.Error(err)
		}
	}
}

func TestServersOfAnApplicationThatIsNotPaidAreCheckedNoMore(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		verdict grant.Verdict // "" for withdrawn
		retired int
	}{"withdrawn": {"", 2}, "declined": {grant.VerdictDecline, 2}, "approved": {grant.VerdictApprove, 0}} {
		s, d, _ := newDesk(t)
		r, err := s.Submit(t.Context(), key(1), claiming(t, telegram, socks))
		noError(t, err)
		d.work.Application.State, d.work.Available = grant.Ready, 1_000_000
		d.keep()
		for range 2 {
			d.work.Votes = append(d.work.Votes, grant.Vote{Digest: d.work.Decision.Digest, Verdict: test.verdict})
		}
		if test.verdict == "" {
			_, err = s.Withdraw(t.Context(), r.Code)
		} else {
			_, err = s.Decide(t.Context(), newActor(), grant.Decide{
				ID: d.work.Application.ID, Version: 1, Outcome: test.verdict, Digest: d.work.Decision.Digest, Message: "That is what we decided.",
			})
		}
		noError(t, err)
		if len(d.servers.Retired) != test.retired {
			t.Errorf("%s: %d are no longer checked", name, len(d.servers.Retired))
		}
	}
}

func newActor() identity.Actor {
	return identity.Actor{Kind: identity.KindStaff, StaffID: uuid.New(), Roles: []identity.Role{identity.RoleReviewer}}
}
