package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/edge/web/i18n"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/probe/link"
)

var midnight = time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)

func at(hour, minute int) time.Time {
	return midnight.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
}

func TestSlotsThatCameToTheSameAreOneLine(t *testing.T) {
	t.Parallel()
	strip := []endpoint.StripDay{
		{Day: midnight, Slot: time.Hour, Marks: strings.Repeat("u", 10) + "dd" + "d" + "?" + "b" + strings.Repeat("-", 8) + "m", Up: 10, Down: 4, Unknown: 10},
		{Day: midnight.AddDate(0, 0, 1), Slot: time.Hour, Marks: "uu", Up: 2}, // not over yet
	}
	why := map[time.Time]probe.Class{
		at(13, 0): probe.ClassControlFailed, at(12, 0): probe.ClassTimeout, at(11, 0): probe.ClassRefused, at(10, 0): probe.ClassRefused, at(9, 0): probe.ClassNone,
	}

	got := days(strip, why)

	want := []views.Run{
		{From: at(0, 0), Until: at(10, 0), Mark: "up", Slots: 10},
		{From: at(10, 0), Until: at(12, 0), Mark: "down", Class: "refused", Slots: 2},
		{From: at(12, 0), Until: at(13, 0), Mark: "down", Class: "timeout", Slots: 1},
		{From: at(13, 0), Until: at(14, 0), Mark: "unknown", Class: "control_failed", Slots: 1},
		{From: at(14, 0), Until: at(15, 0), Mark: "backoff", Slots: 1},
		{From: at(15, 0), Until: at(23, 0), Mark: "unchecked", Slots: 8},
		{From: at(23, 0), Until: at(24, 0), Mark: "maintenance", Slots: 1},
	}
	if diff := cmp.Diff(want, got[0].Runs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]views.Run{{From: at(24, 0), Until: at(26, 0), Mark: "up", Slots: 2}}, got[1].Runs); diff != "" {
		t.Error(diff)
	}
}

func TestBeforeTheFirstCheckThereAreNoDays(t *testing.T) {
	t.Parallel()
	if got := days([]endpoint.StripDay{{Day: midnight}, {Day: midnight.AddDate(0, 0, 1), Marks: "----", Unknown: 4}}, nil); got != nil {
		t.Errorf("%+v", got)
	}
}

// TestNoSlotIsLostInTheLines draws any days and counts what the lines hold.
func TestNoSlotIsLostInTheLines(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		marks := rapid.StringOfN(rapid.RuneFrom([]rune("udb?-m")), 0, 96, -1).Draw(t, "marks")
		strip := []endpoint.StripDay{
			{Day: midnight, Slot: 15 * time.Minute, Marks: strings.Repeat("u", 96)}, {Day: midnight.AddDate(0, 0, 1), Slot: 15 * time.Minute, Marks: marks},
		}
		slots, next := 0, midnight.AddDate(0, 0, 1)
		for _, run := range days(strip, nil)[1].Runs {
			if run.Mark == "" || !run.From.Equal(next) || run.Until.Sub(run.From) != time.Duration(run.Slots)*15*time.Minute {
				t.Fatalf("run %+v after %v", run, next)
			}
			slots, next = slots+run.Slots, run.Until
		}
		if slots != len(marks) {
			t.Fatalf("%d slots of %d", slots, len(marks))
		}
	})
}

func TestADaysSignSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	for want, list := range map[string][]endpoint.StripDay{
		"none":    {{}, {Marks: "---", Unknown: 3}},
		"ok":      {{Up: 96}, {Up: 80, Unknown: 16}},
		"warn":    {{Up: 90, Down: 6}, {Up: 80, Down: 16}},
		"bad":     {{Up: 12, Down: 84}, {Down: 96}},
		"unknown": {{Marks: "-?", Unknown: 96}, {Up: 10, Unknown: 86}, {Down: 10, Unknown: 86}},
	} {
		for _, d := range list {
			if got := dayLevel(d); got != want {
				t.Errorf("%+v is %s, want %s", d, got, want)
			}
		}
	}
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

func TestAProofThatFailedIsTold(t *testing.T) {
	t.Parallel()
	proven := at(1, 0)
	v := endpoint.View{Endpoint: endpoint.Endpoint{Control: "credential", ProvenAt: &proven}, Proofs: []endpoint.Proof{{Held: false, Why: "decoy_passed", At: at(5, 0)}, {Held: true, At: proven}}}
	if p := proof(&v); p.Kind != "credential" || !p.TriedAt.Equal(at(5, 0)) || p.Why.Key != "proof.why.decoy_passed" {
		t.Errorf("%+v", p)
	}
	v.Proofs = v.Proofs[1:]
	if p := proof(&v); !p.TriedAt.IsZero() {
		t.Errorf("a proof that held is told as failed: %+v", p)
	}
}
