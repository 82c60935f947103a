package mtproto

import (
	"context"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// Linkage says whether two addresses have been seen to lead to one proxy.
type Linkage string

// The linkages.
const (
	Linked   Linkage = "linked"    // one process answers at both
	NotShown Linkage = "not_shown" // nothing links them, which is no proof that nothing does
	NoMatter Linkage = "unknown"   // one of them did not answer, or they cannot be compared
)

// fresh is how old a hello may get before a proxy may refuse it for its age, and
// not because it has seen it: the strictest ones allow 3 seconds, clocks included.
const fresh = 2 * time.Second

// Replay sends one hello to a and then to b. Proxies remember hellos, so that
// nobody can send one again: when b refuses what it has never seen, a's memory is
// its own. Then b must take a new hello, or it has refused for another reason.
//
// Both must be dressed up as TLS, with one secret and one server name, since a
// hello is made with these. Linked is sound unless b fails by chance just then;
// proxies that remember nothing are never linked. The error says why a linkage is
// unknown.
func Replay(ctx context.Context, envA probe.Env, a link.MTProto, envB probe.Env, b link.MTProto) (Linkage, error) {
	if a.Kind != link.SecretTLS || b.Kind != link.SecretTLS || a.Key != b.Key || a.SNI != b.SNI {
		return NoMatter, probe.Fail(
			probe.StageParse,
			probe.ClassConfigInvalid,
			"the proxies have not one secret and one server name",
		)
	}
	made := envA.Clock.Now()
	hello, err := clientHello(envA.Rand, a.SNI, a.Key[:], made)
	if err != nil {
		return NoMatter, err
	}
	if err := knock(ctx, envA, a, hello); err != nil {
		return NoMatter, err
	}
	err = knock(ctx, envB, b, hello)
	if err == nil {
		return NotShown, nil
	}
	if !refused(err) {
		return NoMatter, err
	}
	if envA.Clock.Now().Sub(made) > fresh {
		return NoMatter, probe.Fail(probe.StageAuth, probe.ClassTimeout, "the hello has become too old to tell")
	}
	if hello, err = clientHello(envB.Rand, b.SNI, b.Key[:], envB.Clock.Now()); err != nil {
		return NoMatter, err
	}
	if err := knock(ctx, envB, b, hello); err != nil {
		return NoMatter, err
	}
	return Linked, nil
}

// knock sends hello to the proxy of spec and nothing behind it.
func knock(ctx context.Context, env probe.Env, spec link.MTProto, hello []byte) error {
	c, err := env.Dialer.Dial(ctx, probe.TCP, spec.Addr, env.Trace)
	if err != nil {
		return err
	}
	defer c.Close()
	return greet(c, env.Trace, hello, spec.Key[:])
}

// refused reports whether a proxy answered as it does to whom it does not know:
// it hangs up, or hands the connection to a web site. Silence may be our own
// network.
func refused(err error) bool {
	return slices.Contains(
		[]probe.Class{probe.ClassAuthRejected, probe.ClassEOF, probe.ClassReset, probe.ClassProtocolMismatch},
		probe.ClassOf(err),
	)
}
