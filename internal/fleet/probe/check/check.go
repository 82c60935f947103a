package check

import (
	"context"
	"crypto/x509"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/echo"
	"github.com/causeway-fund/causeway/internal/fleet/probe/httpconnect"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
	"github.com/causeway-fund/causeway/internal/fleet/probe/openvpn"
	"github.com/causeway-fund/causeway/internal/fleet/probe/shadowsocks"
	"github.com/causeway-fund/causeway/internal/fleet/probe/socks5"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/fleet/probe/trojan"
	"github.com/causeway-fund/causeway/internal/fleet/probe/vless"
	"github.com/causeway-fund/causeway/internal/fleet/probe/wireguard"
)

// Config is what checks share.
type Config struct {
	Keys         telegram.Keys
	Roots        *x509.CertPool // nil means the system's
	WireGuardKey [32]byte       // the checker's private key, for peers whose file has none
}

// Centre is what a check asks for: a data centre, and where Nonce is set, the echo
// server.
type Centre struct {
	DC    telegram.DC
	Addr  probe.Address // of no meaning to Telegram's own proxies, which know their own
	Echo  probe.Address // of no meaning to them either: they reach data centres only
	Nonce string        // echo.NewNonce's; "" for no echo
}

// Open returns the tunnel of spec. One of Telegram's own proxies is none: it
// reaches data centres only. Errors are *probe.Error.
func (c Config) Open(ctx context.Context, spec link.Spec, env probe.Env) (probe.Tunnel, error) {
	switch s := spec.(type) {
	case link.SOCKS5:
		return socks5.New(s, env), nil
	case link.HTTP:
		return httpconnect.New(s, env), nil
	case link.Shadowsocks:
		return shadowsocks.New(s, env), nil
	case link.Trojan:
		return trojan.New(s, env, c.Roots), nil
	case link.VLESS:
		return vless.New(s, env, c.Roots), nil
	case link.WireGuard:
		p, err := wireguard.New(s, env, c.WireGuardKey)
		if err != nil {
			return nil, err
		}
		t, err := p.Open(ctx)
		if err != nil {
			return nil, err // a nil *Tunnel must not become a Tunnel
		}
		return t, nil
	case link.OpenVPN:
		v, err := openvpn.New(s, env)
		if err != nil {
			return nil, err
		}
		t, err := v.Open(ctx)
		if err != nil {
			return nil, err // as above
		}
		return t, nil
	default:
		return nil, probe.Fail(probe.StageParse, probe.ClassLocalResources, "%s is not checked yet", spec.Protocol())
	}
}

// Full proves that the data centre answers through the endpoint. Then it asks the
// echo server where the endpoint's traffic comes out; an endpoint may refuse to
// go anywhere but to Telegram, so that no answer is no failure: the evidence has
// no Exit then, and the trace a note.
func (c Config) Full(ctx context.Context, env probe.Env, spec link.Spec, to Centre) (*probe.Evidence, error) {
	var out probe.Evidence
	err := c.with(ctx, env, spec, to, func(t *mtproto.Transport, through probe.Tunnel) (err error) {
		if out, err = telegram.Prove(t, env, to.DC, c.Keys); err != nil || through == nil || to.Nonce == "" {
			return err
		}
		exit, err := echo.Ask(ctx, through, to.Echo, to.Nonce)
		if err != nil {
			env.Trace.Note("the exit's address is not known: %s", probe.ClassOf(err))
			return nil
		}
		out.Exit = &exit
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.ServerKey = env.Trace.ServerKey()
	return &out, nil
}

// Light goes as far as the endpoint's own answer where there is one, and else as
// far as anything that answers through it as a data centre would.
func (c Config) Light(ctx context.Context, env probe.Env, spec link.Spec, to Centre) error {
	switch s := spec.(type) {
	case link.SOCKS5:
		env.Trace.Pass(probe.StageParse)
		return socks5.New(s, env).Ping(ctx)
	case link.WireGuard:
		p, err := wireguard.New(s, env, c.WireGuardKey)
		if err != nil {
			return err
		}
		env.Trace.Pass(probe.StageParse)
		return p.Ping(ctx)
	case link.OpenVPN:
		v, err := openvpn.New(s, env)
		if err != nil {
			return err
		}
		env.Trace.Pass(probe.StageParse)
		return v.Ping(ctx)
	}
	return c.with(ctx, env, spec, to, func(t *mtproto.Transport, _ probe.Tunnel) error { return telegram.Ping(t, env) })
}

// with opens the way to the data centre for f, which gets the tunnel where there
// is one.
func (c Config) with(
	ctx context.Context,
	env probe.Env,
	spec link.Spec,
	to Centre,
	f func(*mtproto.Transport, probe.Tunnel) error,
) error {
	var t *mtproto.Transport
	var through probe.Tunnel
	if s, ok := spec.(link.MTProto); ok {
		env.Trace.Pass(probe.StageParse)
		var err error
		if t, err = telegram.DialProxy(ctx, mtproto.New(s, env), to.DC); err != nil {
			return err
		}
	} else {
		tunnel, err := c.Open(ctx, spec, env)
		if err != nil {
			return err
		}
		defer tunnel.Close()
		through = tunnel
		env.Trace.Pass(probe.StageParse)
		if t, err = telegram.Dial(ctx, tunnel, env, to.DC, to.Addr); err != nil {
			return err
		}
	}
	defer t.Close()
	return f(t, through)
}
