package vantage_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

// sign signs whatever it gets as a message of one kind: a hostile prober has a
// key, and so does a service in hostile hands.
func signed(tb testing.TB, purpose string, body []byte) vantage.Envelope {
	tb.Helper()
	s, err := keyFrom(7).Sign(nil, body, &ed25519.Options{Context: purpose})
	if err != nil {
		tb.Fatal(err)
	}
	return vantage.Envelope{Body: body, Signature: s}
}

func anybody(uuid.UUID) (ed25519.PublicKey, error) { return public(keyFrom(7)), nil }

func FuzzOpenAsk(f *testing.F) {
	f.Add(must(vantage.SignAsk(keyFrom(7), ask()))(f).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		a, err := vantage.OpenAsk(signed(t, "causeway/vantage/ask/v1", body), anybody)
		if err != nil {
			return
		}
		if again := must(vantage.SignAsk(keyFrom(7), a))(t); !bytes.Equal(again.Body, body) {
			t.Errorf("%q is written as %q", body, again.Body)
		}
	})
}

func FuzzOpenLease(f *testing.F) {
	f.Add(must(vantage.SignLease(keyFrom(7), lease()))(f).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := vantage.OpenLease(signed(t, "causeway/vantage/lease/v1", body), public(keyFrom(7)))
		if err != nil {
			return
		}
		if again := must(vantage.SignLease(keyFrom(7), l))(t); !bytes.Equal(again.Body, body) {
			t.Errorf("%q is written as %q", body, again.Body)
		}
	})
}

func FuzzOpenReport(f *testing.F) {
	f.Add(must(vantage.SignReport(keyFrom(7), report()))(f).Body)
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := vantage.OpenReport(signed(t, "causeway/vantage/report/v1", body), anybody)
		if err != nil {
			return
		}
		if again := must(vantage.SignReport(keyFrom(7), r))(t); !bytes.Equal(again.Body, body) {
			t.Errorf("%q is written as %q", body, again.Body)
		}
	})
}

func FuzzParseTelegram(f *testing.F) {
	f.Add([]byte(`{"keys_pem":"-----BEGIN X-----\nAAAA\n-----END X-----\n","centres":[{"id":2,"addr":"149.154.167.51:443"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if tg, err := vantage.ParseTelegram(b); err == nil && tg.Validate() != nil {
			t.Error("what was read is not valid")
		}
	})
}
