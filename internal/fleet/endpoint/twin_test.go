package endpoint_test

import (
	"slices"
	"testing"

	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

const (
	dressed  = "tg://proxy?server=203.0.113.9&port=443&secret=ee000102030405060708090a0b0c0d0e0f6d61736b65642e6578616d706c65"
	dressed2 = "tg://proxy?server=203.0.113.77&port=8443&secret=ee000102030405060708090a0b0c0d0e0f6d61736b65642e6578616d706c65"
)

func TestTwinsAreAskedAboutAndKept(t *testing.T) {
	t.Parallel()
	for said, want := range map[vantage.Twin]int{vantage.TwinLinked: 2, vantage.TwinNotShown: 0, vantage.TwinUnknown: 0, "": 0} {
		w := newWorld(t)
		w.AskTwinsAlways()
		e, twin, p := w.claim(t, dressed), w.claim(t, dressed2), w.enrol(t, "fi-1")
		w.twins = []endpoint.Opened{twin}
		p.offer(e)
		l := p.lease(t)
		if len(l.Jobs) != 1 || l.Jobs[0].Spec != dressed || l.Jobs[0].Twin != dressed2 {
			t.Fatalf("%+v", l.Jobs)
		}
		list := answers(w, l, up())
		list[0].Twin = said

		noError(t, p.report(t, l.ID, list))

		linked := slices.DeleteFunc(slices.Clone(w.links), func(l endpoint.Link) bool { return l.Kind != endpoint.LinkReplay })
		if len(linked) != want {
			t.Fatalf("%q: %+v", said, linked)
		}
		if want == 2 && (string(linked[0].Index) != string(linked[1].Index) || linked[0].EndpointID == linked[1].EndpointID || len(linked[0].Index) != 32) {
			t.Errorf("%+v", linked)
		}
	}
}

func TestTwinsAreAskedAboutSeldomAndOnlyWhereTheyCanTell(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text   string
		twin   string
		change func(*endpoint.Offer)
	}{
		"a light check":   {dressed, dressed2, func(o *endpoint.Offer) { o.Mode = probe.Light }},
		"a recheck":       {dressed, dressed2, func(o *endpoint.Offer) { o.Kind = vantage.KindRecheck }},
		"SOCKS5":          {socks, dressed2, func(*endpoint.Offer) {}},
		"a twin in clear": {dressed, mtproto, func(*endpoint.Offer) {}},
	} {
		w := newWorld(t)
		w.AskTwinsAlways()
		e, twin, p := w.claim(t, test.text), w.claim(t, test.twin), w.enrol(t, "fi-1")
		w.twins = []endpoint.Opened{twin}
		p.offer(e, test.change)
		if l := p.lease(t); len(l.Jobs) != 1 || l.Jobs[0].Twin != "" {
			t.Errorf("%s: %+v", name, l.Jobs)
		}
	}
	w := newWorld(t)
	e, twin, p := w.claim(t, dressed), w.claim(t, dressed2), w.enrol(t, "fi-1")
	w.twins = []endpoint.Opened{twin}
	asked := 0
	for i := range 60 {
		p.offer(e, func(o *endpoint.Offer) { o.Attempt = i + 1 })
	}
	for _, j := range p.lease(t).Jobs {
		if j.Twin != "" {
			asked++
		}
	}
	if asked > 15 { // 1.5 are expected
		t.Errorf("%d of 60 checks ask about a twin", asked)
	}
}
