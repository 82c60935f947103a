package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

// at is a moment of a day.
func at(hour, minute int) time.Time {
	return time.Date(2026, 11, 21, hour, minute, 0, 0, time.UTC)
}

func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	spec, err := link.Parse("socks5://reader:hunter2@192.0.2.7:1080")
	if err != nil {
		t.Fatal(err)
	}

	got := specFields(spec.Fields()) // even of fields that nobody made public

	want := []views.SpecField{{Name: "server", Value: "192.0.2.7:1080"}, {Name: "user", Value: "reader"}, {Name: "password", Set: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARefusedLinkNamesItsLine(t *testing.T) {
	t.Parallel()
	text, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ lang, link, want string }{
		{"en", "[Interface]\nPrivateKey = x\nTable = off\n", "Line 3: "},
		{"en", "tg://proxy?server=example.org&port=443&secret=zz", "Secret: A secret is 32 hexadecimal digits"},
		{"en", "client\nremote example.org 1194\nup /bin/sh\n", "Line 3: "},
		{"en", "gopher://example.org", "Text: Links that begin with"},
		{"ru", "client\nremote example.org 1194\nup /bin/sh\n", "Строка 3: эта настройка не принимается, уберите строку."},
	} {
		p := views.Page{Text: text.Pick("", c.lang)}
		_, err := link.Parse(c.link)
		var got []string
		for _, e := range linkErrors(p, "endpoints[0].link", err) {
			got = append(got, p.Say(views.Msg{Key: "field." + e.Code, Params: e.Params, Text: "no words for " + e.Code}))
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, c.want) || strings.Contains(all, "no words") {
			t.Errorf("%q says %q, want %q", c.link, all, c.want)
		}
	}
}

func TestMomentsAreReadAsUTC(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 22, 18, 30, 0, 0, time.UTC)
	for _, typed := range []string{"2026-11-22T18:30", "2026-11-22T18:30:00", " 2026-11-22 18:30", "۲۰۲۶-۱۱-۲۲T۱۸:۳۰"} {
		if got, bad := momentOf("from", typed); bad != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v", typed, got, bad)
		}
	}
	for _, typed := range []string{"", "tomorrow", "2026-11-31T10:00", "2026-11-22T18:30+03:00", "22.11.2026 18:30"} {
		if got, bad := momentOf("from", typed); len(bad) != 1 {
			t.Errorf("%q is %v", typed, got)
		}
	}
}

func TestTheFleetAddsUp(t *testing.T) {
	t.Parallel()
	early, late := at(1, 0), at(2, 0)
	rows := []endpoint.FleetRow{
		{Protocol: "socks5", Country: "FI", Up: 3, Proven: 2, Oldest: &late}, {Protocol: "socks5", Country: "", Down: 1, Oldest: &early}, {Protocol: "mtproto", Country: "FI", Unchecked: 4},
	}
	want := []views.FleetRow{{Name: "FI", Up: 3, Unchecked: 4, Proven: 2, Oldest: late}, {Name: "", Down: 1, Oldest: early}}
	if diff := cmp.Diff(want, tally(rows, func(r endpoint.FleetRow) string { return r.Country })); diff != "" {
		t.Error(diff)
	}
}

func TestEveryFindingOfAProofHasWords(t *testing.T) {
	t.Parallel()
	text, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, why := range append(control.Findings(), "name_only", "other_address") {
		if _, ok := text.Pick("", "ru").Try("proof.why."+string(why), nil); !ok && why != control.Held {
			t.Errorf("no words for %s", why)
		}
	}
}
