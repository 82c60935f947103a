package agent_test

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
	"github.com/causeway-fund/causeway/internal/testkit/dctest"
)

func TestTwinsAreToldApart(t *testing.T) {
	t.Parallel()
	dc := dctest.Serve(t)
	s := newService(t, dc)
	spec := link.MTProto{Kind: link.SecretTLS, Key: [16]byte{0: 1, 15: 2}, SNI: "masked.example"}
	text := func(a probe.Address) string {
		_, port, _ := strings.Cut(a.String(), ":")
		return "tg://proxy?server=127.0.0.1&port=" + port + "&secret=ee010000000000000000000000000000026d61736b65642e6578616d706c65"
	}
	one, two := dctest.Twins(t, spec, dc)
	apart := dctest.Proxy(t, spec, dc)
	ask := func(twin string) vantage.Job {
		j := job(probe.Full, text(one))
		j.Twin = twin
		return j
	}
	wanted := map[uuid.UUID]vantage.Twin{}
	for twin, said := range map[string]vantage.Twin{
		text(two): vantage.TwinLinked, text(apart): vantage.TwinNotShown, "socks5://" + one.String(): vantage.TwinUnknown, "": "",
	} {
		j := ask(twin)
		wanted[j.ID] = said
		s.put(j)
	}
	stop := run(t, s.config())

	got := s.await(len(wanted))

	for id, said := range wanted {
		want(t, got[id], "ok target")
		if got[id].Twin != said {
			t.Errorf("%q, want %q", got[id].Twin, said)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
