package mtproto

import (
	"context"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Proxy is one of Telegram's own proxies under check. It reaches data centres
// only, and chooses their addresses itself.
type Proxy struct {
	spec link.MTProto
	env  probe.Env
}

// New returns the Proxy of spec.
func New(spec link.MTProto, env probe.Env) *Proxy { return &Proxy{spec: spec, env: env} }

// Dial connects to the proxy and asks it for data centre dc. Whether a proxy
// that is not dressed up as TLS knows the secret shows with the first answer
// only: until then it says nothing.
func (p *Proxy) Dial(ctx context.Context, dc int16) (*Transport, error) {
	c, err := p.env.Dialer.Dial(ctx, probe.TCP, p.spec.Addr, p.env.Trace)
	if err != nil {
		return nil, err
	}
	inner, framing := c, Padded
	switch p.spec.Kind {
	case link.SecretSimple:
		framing = Intermediate
	case link.SecretTLS:
		inner, err = dress(c, p.env, p.spec)
	case link.SecretPadded:
	default:
		err = probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "a secret of unknown kind")
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	t, err := NewTransport(inner, p.env.Rand, p.spec.Key[:], framing, dc)
	if err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}
