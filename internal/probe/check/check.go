package check

import (
	"context"
	"crypto/x509"

	"github.com/causeway-fund/causeway/internal/probe"
	"github.com/causeway-fund/causeway/internal/probe/httpconnect"
	"github.com/causeway-fund/causeway/internal/probe/link"
	"github.com/causeway-fund/causeway/internal/probe/mtproto"
	"github.com/causeway-fund/causeway/internal/probe/shadowsocks"
	"github.com/causeway-fund/causeway/internal/probe/socks5"
	"github.com/causeway-fund/causeway/internal/probe/telegram"
	"github.com/causeway-fund/causeway/internal/probe/trojan"
	"github.com/causeway-fund/causeway/internal/probe/vless"
	"github.com/causeway-fund/causeway/internal/probe/wireguard"
)

// Config is what checks share.
type Config struct {
	Keys         telegram.Keys
	Roots        *x509.CertPool // nil means the system's
	WireGuardKey [32]byte       // the checker's private key, for peers whose file has none
}

// Centre is the data centre that a check asks for.
type Centre struct {
	DC   telegram.DC
	Addr probe.Address // of no meaning to Telegram's own proxies, which know their own
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
	default:
		return nil, probe.Fail(probe.StageParse, probe.ClassLocalResources, "%s is not checked yet", spec.Protocol())
	}
}

// Full proves that the data centre answers through the endpoint.
func (c Config) Full(ctx context.Context, env probe.Env, spec link.Spec, to Centre) (*probe.Evidence, error) {
	var out probe.Evidence
	err := c.with(ctx, env, spec, to, func(t *mtproto.Transport) (err error) {
		out, err = telegram.Prove(t, env, to.DC, c.Keys)
		return err
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
	}
	return c.with(ctx, env, spec, to, func(t *mtproto.Transport) error { return telegram.Ping(t, env) })
}

// with opens the way to the data centre for f.
func (c Config) with(ctx context.Context, env probe.Env, spec link.Spec, to Centre, f func(*mtproto.Transport) error) error {
	var t *mtproto.Transport
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
		env.Trace.Pass(probe.StageParse)
		if t, err = telegram.Dial(ctx, tunnel, env, to.DC, to.Addr); err != nil {
			return err
		}
	}
	defer t.Close()
	return f(t)
}
