package wireguard

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// maxTries is how many first messages are sent; answers are waited for retry
// long, and twice as long after each.
const (
	maxTries = 3
	retry    = time.Second
)

// Peer is a WireGuard server under check.
type Peer struct {
	spec link.WireGuard
	env  probe.Env
	key  [32]byte // our private key
}

// New returns the Peer of spec. own is the checker's private key, which is used
// where spec has none. The error is config_invalid where both are zero.
func New(spec link.WireGuard, env probe.Env, own [32]byte) (*Peer, error) {
	p := &Peer{spec: spec, env: env, key: spec.PrivateKey}
	if p.key == ([32]byte{}) {
		p.key = own
	}
	if p.key == ([32]byte{}) {
		return nil, probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "there is no private key")
	}
	return p, nil
}

// Ping makes a handshake and nothing more: it passes the stages handshake and
// auth. Silence is a closed path, an unknown key of ours, or a wrong key of
// theirs; they cannot be told apart.
func (p *Peer) Ping(ctx context.Context) error {
	c, err := p.env.Dialer.Dial(ctx, probe.UDP, p.spec.Addr, p.env.Trace)
	if err != nil {
		return err
	}
	defer c.Close()
	var cookie []byte
	for try := range maxTries {
		i, first, err := initiate(p.env.Rand, p.env.Clock.Now(), p.key, p.spec.PeerKey, p.spec.PSK)
		if err != nil {
			return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "a key is not one of X25519")
		}
		if _, err := c.Write(withCookie(first, cookie)); err != nil {
			return probe.At(probe.StageHandshake, err)
		}
		answer, err := p.await(ctx, c, i, retry<<try, try == maxTries-1)
		switch {
		case errors.Is(err, errAgain):
			continue
		case err != nil:
			return probe.At(probe.StageHandshake, err)
		case answer[0] == typeResponse:
			return p.finish(i, answer)
		case cookie != nil || try == maxTries-1:
			return probe.Fail(probe.StageHandshake, probe.ClassCookieReply, "it is alive and under load")
		}
		if cookie, err = i.cookie(answer); err != nil {
			return probe.Fail(probe.StageHandshake, probe.ClassProtocolMismatch, "the cookie is of another key")
		}
	}
	return probe.Fail(probe.StageHandshake, probe.ClassTimeout, "no answer to %d messages", maxTries)
}

func (p *Peer) finish(i *initiator, answer []byte) error {
	p.env.Trace.Pass(probe.StageHandshake)
	if err := i.finish(answer); err != nil {
		return probe.Fail(
			probe.StageAuth,
			probe.ClassAuthRejected,
			"the answer does not decrypt: another preshared key, or another server",
		)
	}
	p.env.Trace.Pass(probe.StageAuth)
	p.env.Trace.Met(p.spec.PeerKey[:])
	return nil
}

// errAgain says that it is time for another message.
var errAgain = errors.New("no answer yet")

// await reads until an answer to i comes. Datagrams that are none are passed
// over: anyone can send them.
func (p *Peer) await(ctx context.Context, c net.Conn, i *initiator, d time.Duration, last bool) ([]byte, error) {
	if err := c.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if !last { // the last answer is waited for until the check's own deadline
		timer := time.AfterFunc(d, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
		defer timer.Stop()
	}
	b := make([]byte, 2048)
	strange := false
	for {
		n, err := c.Read(b)
		class := probe.ClassOf(err)
		switch {
		case class == probe.ClassTimeout && ctx.Err() == nil:
			return nil, errAgain
		case class == probe.ClassTimeout && strange:
			return nil, &probe.Error{Class: probe.ClassProtocolMismatch, Detail: "what answers is not WireGuard"}
		case err != nil:
			return nil, err
		case n == responseLen && b[0] == typeResponse && bytes.Equal(b[8:12], i.index[:]),
			n == cookieLen && b[0] == typeCookie && bytes.Equal(b[4:8], i.index[:]):
			return b[:n], nil
		}
		strange = true
	}
}
