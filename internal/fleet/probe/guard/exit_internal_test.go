package guard

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// nowhere is an exit that leads nowhere and notes where it should.
type nowhere struct {
	class probe.Class
	asked []string
}

func (n *nowhere) Connect(_ context.Context, to netip.AddrPort) (net.Conn, error) {
	n.asked = append(n.asked, to.String())
	return nil, probe.Fail(probe.StageTCP, n.class, "nowhere")
}

// TestAnExitIsGivenWhatWasChecked: a name's next address is tried when the first
// one fails, and not when the exit does.
func TestAnExitIsGivenWhatWasChecked(t *testing.T) {
	t.Parallel()
	r := &names{addrs: map[string][]string{"two.example.org": {"8.8.8.8", "1.1.1.1"}, "bad.example.org": {"8.8.8.8", "10.0.0.1"}}}
	for class, want := range map[probe.Class][]string{
		probe.ClassRefused:       {"8.8.8.8:8443", "1.1.1.1:8443"},
		probe.ClassControlFailed: {"8.8.8.8:8443"},
	} {
		exit := &nowhere{class: class}
		d, err := New(Config{Resolver: r, Exit: exit, Deny: []netip.Prefix{netip.MustParsePrefix("9.9.9.0/24")}})
		if err != nil {
			t.Fatal(err)
		}
		if err := dial(t, d, probe.TCP, "two.example.org:8443"); probe.ClassOf(err) != class || !slices.Equal(exit.asked, want) {
			t.Errorf("%v after %v, want %v", err, exit.asked, want)
		}
		exit.asked = nil
		for _, s := range append(spellings(), "bad.example.org") {
			for _, network := range []string{probe.TCP, probe.UDP} {
				if err := dial(t, d, network, s+":8443"); err == nil || len(exit.asked) != 0 {
					t.Fatalf("%q: %v, the exit was asked for %v", s, err, exit.asked)
				}
			}
		}
	}
}

// TestAnExitIsCheckedLast plays a mistake between check and connect.
func TestAnExitIsCheckedLast(t *testing.T) {
	t.Parallel()
	exit := &nowhere{class: probe.ClassRefused}
	d, err := New(Config{Resolver: &names{}, Exit: exit})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = d.try(ctx, probe.TCP, netip.MustParseAddrPort("10.0.0.1:443"), true, probe.NewTrace(clock.Real{}))
	if probe.ClassOf(err) != probe.ClassAddressDenied || len(exit.asked) != 0 {
		t.Errorf("%v, the exit was asked for %v", err, exit.asked)
	}
}
