package control

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// Resolver looks names up; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// minResolvers is how many must agree: one may be lied to.
const minResolvers = 2

// TXTName returns the name of the record that proves host.
func TXTName(host probe.Host) string { return "_grant." + host.Name() }

// DNS shows that whoever holds token writes the zone of host, and that host leads
// to tested, the address that a check has dialled: every resolver must say both.
// It passes the stages dns and target. Errors are *probe.Error of these stages,
// and config_invalid where host is no name.
func DNS(
	ctx context.Context,
	env probe.Env,
	resolvers []Resolver,
	host probe.Host,
	token string,
	tested netip.Addr,
) error {
	switch {
	case host.Name() == "":
		return probe.Fail(probe.StageParse, probe.ClassConfigInvalid, "an endpoint without a name has no record")
	case len(resolvers) < minResolvers || !isToken(token) || !tested.IsValid():
		return probe.Fail(
			probe.StageParse,
			probe.ClassLocalResources,
			"a token, an address and two resolvers are needed",
		)
	}
	env.Trace.Pass(probe.StageParse)
	env.Trace.Dialled(netip.AddrPortFrom(tested.Unmap(), 0))
	found := make([]bool, len(resolvers))
	for i, r := range resolvers {
		// The final dot keeps search lists of our own network out of the look-up.
		addrs, err := r.LookupNetIP(ctx, "ip", host.Name()+".")
		if err != nil {
			return probe.At(probe.StageDNS, err)
		}
		texts, err := r.LookupTXT(ctx, TXTName(host)+".")
		if err != nil && probe.ClassOf(err) != probe.ClassDNSNXDomain { // no record is said below
			return probe.At(probe.StageDNS, err)
		}
		found[i] = slices.ContainsFunc(texts, func(s string) bool { return strings.TrimSpace(s) == token })
		if !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return a.Unmap() == tested.Unmap() }) {
			return probe.Fail(
				probe.StageTarget,
				probe.ClassTargetInvalid,
				"the name does not lead to the address that was tested",
			)
		}
	}
	env.Trace.Pass(probe.StageDNS)
	switch {
	case !slices.Contains(found, true):
		return probe.Fail(probe.StageTarget, probe.ClassTargetInvalid, "no record at %s holds the token", TXTName(host))
	case slices.Contains(found, false):
		return probe.Fail(
			probe.StageTarget,
			probe.ClassTargetInvalid,
			"the resolvers do not agree: the record may be too new",
		)
	}
	env.Trace.Pass(probe.StageTarget)
	return nil
}
