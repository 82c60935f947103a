package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/chance"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/check"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/probe/mtproto"
	"github.com/causeway-fund/causeway/internal/fleet/probe/telegram"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// environment is what the jobs of a lease share.
type environment struct {
	dialer  probe.Dialer
	keys    telegram.Keys
	centres []centre
	echo    probe.Address // not set: nobody is asked
	off     time.Duration // by how much our clock is wrong; 0: it is not
}

type centre struct {
	id   int16
	addr probe.Address
}

func newEnvironment(l vantage.Lease, d probe.Dialer, off time.Duration) (environment, error) {
	e := environment{dialer: d, off: off}
	var err error
	if e.keys, err = telegram.ParseKeys([]byte(l.Telegram.KeysPEM)); err != nil {
		return e, fmt.Errorf("read the lease: %w", err)
	}
	for _, c := range l.Telegram.Centres {
		ap, err := netip.ParseAddrPort(c.Addr)
		if err != nil {
			return e, fmt.Errorf("read the lease: %w", err)
		}
		//nolint:gosec // at most 1000, as the lease was validated
		e.centres = append(
			e.centres,
			centre{id: int16(c.ID), addr: probe.AddressOf(ap)},
		)
	}
	if l.EchoURL != "" {
		e.echo, err = echoAddress(l.EchoURL)
	}
	return e, err
}

// echoAddress reads http://host:port.
func echoAddress(s string) (probe.Address, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return probe.Address{}, errors.New("read the lease: the echo server's URL is not http://host:port")
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "80")
	}
	return probe.ParseAddress(host)
}

// of returns what one attempt needs.
func (e environment) of(a *Agent, tr *probe.Trace) probe.Env {
	return probe.Env{Dialer: e.dialer, Clock: a.cfg.Clock, Rand: a.cfg.Rand, Trace: tr}
}

// straight is a tunnel that is none.
type straight struct{ env probe.Env }

func (s straight) Dial(ctx context.Context, to probe.Address) (net.Conn, error) {
	return s.env.Dialer.Dial(ctx, probe.TCP, to, s.env.Trace)
}

func (straight) Close() error { return nil }

// check makes the attempts of one job.
func (a *Agent) check(ctx context.Context, w *work, j vantage.Job, spec link.Spec) vantage.Answer {
	out := vantage.Answer{Job: j.ID, Started: a.cfg.Clock.Now().UTC()}
	switch {
	case j.Challenge != nil:
		out.Outcome = a.attempt(ctx, w, []string{j.Challenge.Token}, a.challenge(spec, *j.Challenge))
	case j.Credential != nil:
		out.Outcome = a.with(ctx, w, j, spec, *j.Credential)
		if j.Decoy != nil && out.Outcome.OK {
			decoy := a.with(ctx, w, j, spec, *j.Decoy)
			out.Decoy = &decoy
		}
	default:
		out.Outcome = a.attempt(ctx, w, link.Secrets(spec), a.plain(w, j, spec))
	}
	if j.Twin != "" {
		out.Twin = a.twin(ctx, w, spec, j.Twin)
	}
	if err := out.Validate(); err != nil {
		// It would make the whole report one that nobody takes.
		a.cfg.Log.ErrorContext(ctx, "a check returned an invalid outcome", slog.Any("error", err))
		out.Outcome, out.Decoy = own("the check returned an invalid outcome"), nil
	}
	return out
}

// twin asks whether one process is behind spec and what other describes. What
// keeps that from being known is nobody's fault.
func (a *Agent) twin(ctx context.Context, w *work, spec link.Spec, other string) vantage.Twin {
	out := vantage.TwinUnknown
	first, ok := spec.(link.MTProto)
	parsed, err := link.Parse(other)
	second, ok2 := parsed.(link.MTProto)
	if !ok || err != nil || !ok2 {
		return out
	}
	a.attempt(
		ctx,
		w,
		append(link.Secrets(first), link.Secrets(second)...),
		func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
			to := env
			to.Trace = probe.NewTrace(env.Clock)
			said, err := mtproto.Replay(ctx, env, first, to, second)
			switch said {
			case mtproto.Linked:
				out = vantage.TwinLinked
			case mtproto.NotShown:
				out = vantage.TwinNotShown
			case mtproto.NoMatter: // err says why
			}
			return nil, err
		},
	)
	return out
}

// own is the outcome of trouble on our side before anything was dialled.
func own(detail string) probe.Outcome {
	return probe.Outcome{
		FailedAt: probe.StageParse,
		Class:    probe.ClassLocalResources,
		Detail:   detail,
		MS:       map[probe.Stage]int64{},
	}
}

// with makes one attempt with c in place of what users have.
func (a *Agent) with(ctx context.Context, w *work, j vantage.Job, spec link.Spec, c control.Credential) probe.Outcome {
	changed, err := control.With(spec, c)
	if err != nil {
		return own("the credential does not fit the protocol")
	}
	return a.attempt(ctx, w, link.Secrets(changed), a.plain(w, j, changed))
}

type attemptFunc = func(ctx context.Context, env probe.Env) (*probe.Evidence, error)

// plain is the check itself.
func (a *Agent) plain(w *work, j vantage.Job, spec link.Spec) attemptFunc {
	cfg := check.Config{Keys: w.env.keys, Roots: a.cfg.Roots}
	return func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
		to, ok := w.env.centre(a, j.DC)
		if !ok {
			return nil, probe.Fail(probe.StageParse, probe.ClassLocalResources, "the lease has no such data centre")
		}
		if j.Mode == probe.Light {
			return nil, cfg.Light(ctx, env, spec, to)
		}
		if w.env.echo.Port != 0 {
			to.Echo, to.Nonce = w.env.echo, j.EchoNonce
		}
		return cfg.Full(ctx, env, spec, to)
	}
}

// centre draws an address of data centre id. Endpoints reach IPv4 sooner.
func (e environment) centre(a *Agent, id int) (check.Centre, bool) {
	var found, four []centre
	for _, c := range e.centres {
		if int(c.id) != id {
			continue
		}
		found = append(found, c)
		if ip, _ := c.addr.Host.IP(); ip.Is4() {
			four = append(four, c)
		}
	}
	if len(four) > 0 {
		found = four
	}
	if len(found) == 0 {
		return check.Centre{}, false
	}
	i, err := chance.Below(a.cfg.Rand, len(found))
	if err != nil {
		return check.Centre{}, false
	}
	c := found[i]
	return check.Centre{DC: telegram.DC{ID: c.id}, Addr: c.addr}, true
}

// challenge is a proof of control without a credential.
func (a *Agent) challenge(spec link.Spec, c vantage.Challenge) attemptFunc {
	if c.Kind == control.KindPort {
		return func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
			return nil, control.Challenge(ctx, env, spec, c.Token)
		}
	}
	return func(ctx context.Context, env probe.Env) (*probe.Evidence, error) {
		// What the name leads to counts only where something listens.
		env.Trace.Pass(probe.StageParse)
		conn, err := env.Dialer.Dial(ctx, control.Network(spec), spec.Server(), env.Trace)
		if err != nil {
			return nil, err
		}
		_ = conn.Close() // nothing was said
		return nil, control.DNS(ctx, env, a.cfg.Resolvers, spec.Server().Host, c.Token, env.Trace.Addr().Addr())
	}
}

// attempt makes one attempt under its own deadline. What fails while our clock is
// wrong says nothing.
func (a *Agent) attempt(ctx context.Context, w *work, secrets []string, f attemptFunc) probe.Outcome {
	r := probe.Runner{
		Clock: a.cfg.Clock, Timeout: a.cfg.Timeout,
		Control: func(ctx context.Context, addr netip.Addr) error { return a.control(ctx, w, addr) },
	}
	out := r.Run(
		ctx,
		probe.Attempt{
			Secrets: slices.Clone(secrets),
			Check: func(ctx context.Context, tr *probe.Trace) (ev *probe.Evidence, err error) {
				// A stranger's bytes must not end the checks of everybody else.
				defer func() {
					if p := recover(); p != nil {
						a.cfg.Log.ErrorContext(ctx, "a check panicked", slog.String("stack", string(debug.Stack())))
						ev, err = nil, probe.Fail(probe.StageParse, probe.ClassLocalResources, "the check panicked")
					}
				}()
				return f(ctx, w.env.of(a, tr))
			},
		},
	)
	if !out.OK && w.env.off != 0 && out.Class.Verdict(probe.Full) == probe.Down {
		out.Class, out.Detail = probe.ClassLocalResources, fmt.Sprintf(
			"our own clock is off by %d s",
			int64(w.env.off/time.Second),
		)
	}
	return out
}
