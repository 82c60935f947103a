package demo

import (
	"path/filepath"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/testkit/devnet"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/loopback"
	"github.com/causeway-fund/causeway/internal/testkit/devnet/proxies"
)

// TestSamplesAreServersOfThisMachine: whatever can be checked of a sample leads
// nowhere else, and no two samples claim the same.
func TestSamplesAreServersOfThisMachine(t *testing.T) {
	t.Parallel()
	here := loopback.DrawWorld()
	w := &World{Devnet: &devnet.Devnet{World: here}, cfg: Config{places: places{World: here}}}
	for i, kind := range []proxies.Kind{proxies.SOCKS5, proxies.SOCKS5, proxies.SOCKS5, proxies.HTTP, proxies.MTProto} {
		p, err := proxies.Start(t.Context(), proxies.Spec{Kind: kind, Host: here.Host(byte(i), 99), Accounts: filepath.Join(t.TempDir(), "accounts")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		w.Devnet.Proxies = append(w.Devnet.Proxies, p)
	}
	if err := w.serveSamples(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := samples()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[[32]byte]int{}
	fates := map[works]int{}
	proving := 0
	for i, s := range list {
		for _, e := range w.sampleEndpoints(i, s) {
			if e.Link == "" {
				continue
			}
			spec, err := link.Parse(e.Link)
			if err != nil {
				t.Fatalf("sample %d: %v", i, err)
			}
			if ip, ok := spec.Server().Host.IP(); !ok || !ip.IsLoopback() {
				t.Errorf("sample %d leads to %s", i, spec.Server())
			}
			digest := link.Digest([]byte("a key"), spec)
			if other, twice := seen[digest]; twice {
				t.Errorf("samples %d and %d claim the same", other, i)
			}
			seen[digest] = i
			fates[sampleWorks(i)]++
		}
		if w.provable(i, s) {
			proving++
		}
	}
	if fates[worksWell] < 20 || fates[worksNot] == 0 || fates[worksForOthers] == 0 || proving < provenSamples {
		t.Errorf("%v, %d can prove control", fates, proving)
	}
}
