package audit_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

func TestLeafHasOneSpelling(t *testing.T) {
	t.Parallel()
	leaf, err := audit.NewLeaf(7, entry(7))
	if err != nil {
		t.Fatal(err)
	}
	b, err := leaf.Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"action":"batch.confirmed","actor":"system:worker","at":"2026-11-22T10:00:07Z",` +
		`"digest":"0707070707070707070707070707070707070707070707070707070707070707","from":"broadcast",` +
		`"object_id":"0198c0de-0000-7000-8000-000000000007","object_kind":"batch","seq":7,"to":"confirmed"}`
	if string(b) != want {
		t.Errorf("got  %s\nwant %s", b, want)
	}
	if again, err := audit.ParseLeaf(b); err != nil || again != leaf {
		t.Errorf("%+v, %v", again, err)
	}
	for _, other := range []string{
		" " + want, want + "\n", strings.Replace(want, `"seq":7`, `"seq": 7`, 1), strings.Replace(want, `"seq":7`, `"seq":7.0`, 1),
		strings.Replace(want, `"batch"`, `"\u0062atch"`, 1), strings.Replace(want, `{`, `{"action":"batch.paid",`, 1),
		strings.Replace(want, "07Z", "07+00:00", 1), strings.Replace(want, "07Z", "07.5Z", 1), `{"extra":1,` + want[1:],
	} {
		if _, err := audit.ParseLeaf([]byte(other)); err == nil {
			t.Errorf("accepted %s", other)
		}
	}
}

func TestPersonalDataDoesNotFitIntoALeaf(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*audit.Entry){
		"name as actor":     func(e *audit.Entry) { e.Actor = identity.System("Anna Karenina") },
		"nobody":            func(e *audit.Entry) { e.Actor = identity.Actor{} },
		"free action":       func(e *audit.Entry) { e.Action = "paid Anna" },
		"one-word action":   func(e *audit.Entry) { e.Action = "paid" },
		"contact as object": func(e *audit.Entry) { e.ObjectID = "@mira:example.org" },
		"address as kind":   func(e *audit.Entry) { e.ObjectKind = "203.0.113.7" },
		"text as state":     func(e *audit.Entry) { e.To = "declined: known abuser" },
		"text as digest":    func(e *audit.Entry) { e.Digest = []byte("Anna") },
		"negative year":     func(e *audit.Entry) { e.At = time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := entry(1)
			spoil(&e)
			if _, err := audit.NewLeaf(0, e); err == nil {
				t.Error("accepted")
			}
		})
	}
	for _, by := range []identity.Actor{{Kind: identity.KindStaff, StaffID: uuid.New(), Name: "Anna"}, identity.Operator(uuid.New())} {
		e := entry(1)
		e.Actor, e.Detail = by, map[string]string{"note": "Anna"}
		leaf, err := audit.NewLeaf(0, e)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := leaf.Encode(); err != nil || bytes.Contains(b, []byte("Anna")) {
			t.Errorf("%s, %v", b, err)
		}
	}
	if _, err := audit.NewLeaf(-1, entry(1)); err == nil {
		t.Error("row -1 accepted")
	}
}

func FuzzParseLeaf(f *testing.F) {
	leaf, err := audit.NewLeaf(7, entry(7))
	if err != nil {
		f.Fatal(err)
	}
	good, err := leaf.Encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "{}", "null", string(good), strings.ToUpper(string(good)), `{"seq":1e3}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		leaf, err := audit.ParseLeaf(b)
		if err != nil {
			return
		}
		if again, err := leaf.Encode(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%q reads and writes as %q, %v", b, again, err)
		}
	})
}
