package demo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proxies"
)

// The servers of the sample applications are the demo's own proxies, each at an
// address of its own where the machine has them. Some do not work.

// sampleNet is the network of the first sample's server; the others follow.
const sampleNet = 20

// sampleHost is where the servers of sample i are. One pair shares a machine.
func (w *World) sampleHost(i int) string {
	if i == 22 {
		i = 12
	}
	return w.cfg.places.World.Host(byte(sampleNet+i), 10)
}

// blocked are the hosts that cannot be reached from inside the demo's censored
// network.
func (w *World) blocked() []string {
	return []string{w.sampleHost(1), w.sampleHost(7), w.sampleHost(21), w.sampleHost(26)}
}

// works says how sample i's servers do: all is well, nothing listens, or what the
// operator wrote is not what the server wants.
type works int

const (
	worksWell works = iota
	worksNot
	worksForOthers
)

func sampleWorks(i int) works {
	switch {
	case i%7 == 3:
		return worksNot
	case i%9 == 5:
		return worksForOthers
	}
	return worksWell
}

// account is the one that sample i's users have. For MTProto only the password
// counts, a secret of 32 hex digits.
func account(i int, w works) (user, password string) {
	sum := sha256.Sum256(fmt.Appendf(nil, "causeway demo account %d %d", i, w))
	return fmt.Sprintf("users%02d", i), hex.EncodeToString(sum[:16])
}

// spoken is a protocol of an application's form as checks name it.
func spoken(protocol string) probe.Protocol {
	return probe.Protocol(strings.ReplaceAll(protocol, "-", "_"))
}

// proxyOf returns the proxy that stands for a protocol's servers, or nil where the
// demo has none.
func (w *World) proxyOf(p probe.Protocol) *proxies.Proxy {
	switch p {
	case probe.SOCKS5:
		return w.Devnet.Proxies[2]
	case probe.HTTPConnect:
		return w.Devnet.Proxies[3]
	case probe.MTProto:
		return w.Devnet.Proxies[4]
	default:
		return nil
	}
}

// addCredential does what an operator does with our credential: it goes into the
// server's configuration.
func (w *World) addCredential(p probe.Protocol, c control.Public) error {
	if p == probe.MTProto {
		return w.proxyOf(p).Allow("", c.Secret)
	}
	return w.proxyOf(p).Allow(c.User, c.Password)
}

// sampleEndpoints is what sample i claims. A tunnel is named without its
// configuration, so that it is listed and never checked.
func (w *World) sampleEndpoints(i int, s sample) []claim.Endpoint {
	var out []claim.Endpoint
	for n, protocol := range s.protocols {
		p := w.proxyOf(spoken(protocol))
		switch {
		case p != nil:
			user, password := account(i, sampleWorks(i))
			out = append(out, claim.Endpoint{Link: p.URLAt(w.sampleHost(i), user, password)})
		case protocol == string(probe.Trojan):
			out = append(out, claim.Endpoint{Link: fmt.Sprintf("trojan://sample-secret@%s:%d", w.sampleHost(i), 18090)})
		default:
			out = append(out, claim.Endpoint{Protocol: protocol, Host: s.host, Port: 443 + n, Secret: "sample-secret"})
		}
	}
	return out
}

// serveSamples lets the proxies answer for the sample applications.
func (w *World) serveSamples(ctx context.Context) error {
	list, err := samples()
	if err != nil {
		return err
	}
	for i, s := range list {
		for _, protocol := range s.protocols {
			p := w.proxyOf(spoken(protocol))
			if p == nil || sampleWorks(i) == worksNot {
				continue
			}
			if err := p.Also(ctx, w.sampleHost(i), "a sample's server"); err != nil {
				return err
			}
			user, password := account(i, worksWell)
			if err := p.Allow(user, password); err != nil {
				return err
			}
		}
	}
	return nil
}

// provable reports whether sample i is one whose operator proves control: a paid
// one with one server, which works.
func (w *World) provable(i int, s sample) bool {
	paid := s.fate == fateFirstBatch || s.fate == fateSecondBatch || s.fate == fateApproved
	return paid && len(s.protocols) == 1 && w.proxyOf(spoken(s.protocols[0])) != nil && sampleWorks(i) == worksWell
}

// proveControl gives our credential to the servers of an application, and asks for
// a look.
func (w *World) proveControl(ctx context.Context, code string) error {
	mine, err := w.Services.Endpoints.Mine(ctx, code, endpoint.DefaultChecks)
	if err != nil {
		return err
	}
	for _, e := range mine {
		label := e.Endpoint.Label
		ways, err := w.Services.Endpoints.Instructions(ctx, code, label)
		if err != nil {
			return err
		}
		for _, way := range ways {
			if way.Kind != control.KindCredential {
				continue
			}
			if err := w.addCredential(e.Endpoint.Protocol, *way.Credential); err != nil {
				return err
			}
			if _, err := w.Services.Endpoints.Prove(ctx, code, label, control.KindCredential); err != nil {
				return err
			}
		}
	}
	return nil
}

// history makes days of the time before the demo began, in which each server had
// an outage now and then. Their evidence is that of no check at all.
const history = `
INSERT INTO endpoint_day (endpoint_id, place, day, slot_s, marks, evidence, attempts)
SELECT e.id, p.place, d.day::date, 60,
    CASE WHEN (e.n * 7 + d.n * 13) % 6 = 0
        THEN repeat('u', e.n * 37 % 1000) || repeat('d', 30 + e.n * 11 % 200) || repeat('u', 1410 - e.n * 37 % 1000 - e.n * 11 % 200)
        ELSE repeat('u', 1440) END,
    sha256('made up for the demo'), 0
FROM (SELECT e.id, e.created_at, row_number() OVER (ORDER BY e.created_at, e.position)::int AS n FROM endpoint e WHERE e.state = 'active') e
CROSS JOIN (VALUES ('outside'), ('inside')) AS p (place)
CROSS JOIN LATERAL (SELECT day, row_number() OVER (ORDER BY day)::int AS n
    FROM generate_series(date_trunc('day', e.created_at AT TIME ZONE 'UTC') + interval '1 day', (now() AT TIME ZONE 'UTC')::date - interval '1 day', interval '1 day') AS day) d
ON CONFLICT DO NOTHING`
