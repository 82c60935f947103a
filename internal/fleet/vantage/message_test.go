package vantage_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/probe"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
	"github.com/causeway-fund/causeway/internal/fleet/vantage"
)

var at = time.Date(2026, 11, 22, 9, 15, 0, 123_000_000, time.UTC)

// keyFrom returns the key pair of a seed of equal bytes.
func keyFrom(b byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{b}, ed25519.SeedSize))
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return ed25519.PublicKey(k[ed25519.SeedSize:]) }

func id(b byte) uuid.UUID { return uuid.UUID(bytes.Repeat([]byte{b}, 16)) }

// enrolled knows one prober.
func enrolled(v uuid.UUID, k ed25519.PublicKey) vantage.KeyOf {
	return func(asked uuid.UUID) (ed25519.PublicKey, error) {
		if asked != v {
			return nil, errs.New(errs.Unauthenticated, "vantage_unknown", "No such prober.")
		}
		return k, nil
	}
}

const pem = "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"

func lease() vantage.Lease {
	return vantage.Lease{
		V: vantage.Version, ID: id(1), Vantage: id(2), Issued: at, Expires: at.Add(5 * time.Minute),
		Telegram: vantage.Telegram{KeysPEM: pem, Centres: []vantage.Centre{{ID: 2, Addr: "149.154.167.51:443"}}},
		EchoURL:  "http://echo.example:8081", Next: 10,
		Jobs: []vantage.Job{
			{ID: id(3), Kind: vantage.KindSlot, Mode: probe.Light, Spec: "socks5://h.example:1080", DC: 2, Due: at, Until: at.Add(time.Minute)},
			{
				ID: id(4), Kind: vantage.KindControl, Mode: probe.Full, Spec: "socks5://h.example:1080", DC: 4, EchoNonce: strings.Repeat("a", 32),
				Credential: &control.Credential{User: "u", Password: "p"}, Decoy: &control.Credential{User: "v", Password: "q"},
				Due: at, Until: at.Add(time.Minute),
			},
			{
				ID: id(5), Kind: vantage.KindControl, Mode: probe.Full, Spec: "socks5://h.example:1080", DC: 4,
				Challenge: &vantage.Challenge{Kind: control.KindPort, Token: "t0ken"}, Due: at, Until: at.Add(time.Minute),
			},
		},
	}
}

func report() vantage.Report {
	passed := probe.Outcome{OK: true, Stage: probe.StageHandshake, MS: map[probe.Stage]int64{probe.StageTCP: 40, probe.StageHandshake: 41}, Addr: "198.51.100.7:443"}
	failed := probe.Outcome{Stage: probe.StageTCP, FailedAt: probe.StageHandshake, Class: probe.ClassTimeout, Detail: "no answer in time", Control: &probe.Control{OK: true, MS: 5}}
	return vantage.Report{
		V: vantage.Version, Vantage: id(2), Lease: id(1), Seq: 1, Prev: vantage.First(), Clock: at, SW: "prober/0.1",
		Answers: []vantage.Answer{{Job: id(3), Started: at, Outcome: passed}, {Job: id(4), Started: at, Outcome: passed, Decoy: &failed}},
	}
}

func ask() vantage.Ask {
	return vantage.Ask{V: vantage.Version, Vantage: id(2), At: at, Max: 200, SW: "prober/0.1"}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func TestMessagesComeBackAsTheyWereSigned(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	known := enrolled(id(2), public(k))

	gotAsk := must(vantage.OpenAsk(must(vantage.SignAsk(k, ask()))(t), known))(t)
	gotLease := must(vantage.OpenLease(must(vantage.SignLease(k, lease()))(t), public(k)))(t)
	gotReport := must(vantage.OpenReport(must(vantage.SignReport(k, report()))(t), known))(t)

	if d := cmp.Diff(ask(), gotAsk) + cmp.Diff(lease(), gotLease) + cmp.Diff(report(), gotReport); d != "" {
		t.Error(d)
	}
}

// TestASignatureIsForOneKindOfMessage: the bytes of one kind, signed as another.
func TestASignatureIsForOneKindOfMessage(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	asked := must(vantage.SignAsk(k, ask()))(t)
	for name, sig := range map[string][]byte{
		"of a report":       must(vantage.SignReport(k, report()))(t).Signature,
		"plain Ed25519":     ed25519.Sign(k, asked.Body),
		"of another prober": must(vantage.SignAsk(keyFrom(8), ask()))(t).Signature,
		"none":              nil,
	} {
		if _, err := vantage.OpenAsk(vantage.Envelope{Body: asked.Body, Signature: sig}, enrolled(id(2), public(k))); !errs.Is(err, "signature_wrong") {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := ask()
	other.Vantage = id(9)
	if _, err := vantage.OpenAsk(must(vantage.SignAsk(k, other))(t), enrolled(id(2), public(k))); !errs.Is(err, "vantage_unknown") {
		t.Errorf("a prober that nobody knows: %v", err)
	}
}

// TestAnyChangedByteIsRefused changes, takes out or adds a byte of body or
// signature.
func TestAnyChangedByteIsRefused(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	known := enrolled(id(2), public(k))
	signed := must(vantage.SignReport(k, report()))(t)
	rapid.Check(t, func(t *rapid.T) {
		e := vantage.Envelope{Body: slices.Clone(signed.Body), Signature: slices.Clone(signed.Signature)}
		part := &e.Body
		if rapid.Bool().Draw(t, "signature") {
			part = &e.Signature
		}
		i := rapid.IntRange(0, len(*part)-1).Draw(t, "where")
		switch rapid.SampledFrom([]string{"change", "take out", "add"}).Draw(t, "how") {
		case "change":
			(*part)[i] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
		case "take out":
			*part = slices.Delete(*part, i, i+1)
		case "add":
			*part = slices.Insert(*part, i, rapid.Byte().Draw(t, "byte"))
		}
		if bytes.Equal(e.Body, signed.Body) && bytes.Equal(e.Signature, signed.Signature) {
			return // a byte beside its equal
		}
		if _, err := vantage.OpenReport(e, known); err == nil {
			t.Fatalf("accepted %s", e.Body)
		}
	})
}

// TestOtherSpellingsAreRefusedThoughSigned: a prober that signs what can be read
// in two ways is refused too.
func TestOtherSpellingsAreRefusedThoughSigned(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	body := string(must(vantage.SignAsk(k, ask()))(t).Body)
	for name, other := range map[string]string{
		"space":            " " + body,
		"bytes behind":     body + "{}",
		"newline behind":   body + "\n",
		"unknown name":     strings.Replace(body, `"v":1`, `"v":1,"x":1`, 1),
		"repeated name":    strings.Replace(body, `"v":1`, `"v":1,"v":1`, 1),
		"other case":       strings.Replace(body, `"v":1`, `"V":1`, 1),
		"repeated in case": strings.Replace(body, `"sw":`, `"ſw":"x","sw":`, 1),
		"number":           strings.Replace(body, `"max":200`, `"max":2e2`, 1),
		"escape":           strings.Replace(body, `prober`, "\\u0070rober", 1),
		"time zone":        strings.Replace(body, `Z"`, `+00:00"`, 1),
		"other order":      strings.Replace(body, `"v":1,`, "", 1)[:len(body)-len(`"v":1,`)-1] + `,"v":1}`,
		"null":             "null",
		"array":            "[]",
		"nothing":          "",
		"deep":             strings.Repeat("[", 100_000),
		"long":             strings.Replace(body, "prober", strings.Repeat("p", vantage.MaxAsk), 1),
		"version 2":        strings.Replace(body, `"v":1`, `"v":2`, 1),
	} {
		sig, err := k.Sign(nil, []byte(other), &ed25519.Options{Context: "causeway/vantage/ask/v1"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vantage.OpenAsk(vantage.Envelope{Body: []byte(other), Signature: sig}, func(uuid.UUID) (ed25519.PublicKey, error) { return public(k), nil }); !errs.Is(err, "message_refused") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesOutOfBoundsAreNotSigned(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	for name, change := range map[string]func(*vantage.Lease){
		"version":              func(l *vantage.Lease) { l.V = 2 },
		"no vantage":           func(l *vantage.Lease) { l.Vantage = uuid.Nil },
		"ends before it began": func(l *vantage.Lease) { l.Expires = l.Issued },
		"a long life":          func(l *vantage.Lease) { l.Expires = l.Issued.Add(2 * time.Hour) },
		"no pause":             func(l *vantage.Lease) { l.Next = 0 },
		"no key of Telegram":   func(l *vantage.Lease) { l.Telegram.KeysPEM = "" },
		"a named data centre":  func(l *vantage.Lease) { l.Telegram.Centres[0].Addr = "dc.example:443" },
		"a canary by name":     func(l *vantage.Lease) { l.Jobs[0].Kind = vantage.KindCanary },
		"no mode":              func(l *vantage.Lease) { l.Jobs[0].Mode = "" },
		"no spec":              func(l *vantage.Lease) { l.Jobs[0].Spec = "" },
		"no data centre":       func(l *vantage.Lease) { l.Jobs[0].DC = 0 },
		"a nonce of words":     func(l *vantage.Lease) { l.Jobs[0].EchoNonce = "x\r\nHost: y" },
		"until before due":     func(l *vantage.Lease) { l.Jobs[0].Until = l.Jobs[0].Due.Add(-1) },
		"a job twice":          func(l *vantage.Lease) { l.Jobs[1].ID = l.Jobs[0].ID },
		"two proofs":           func(l *vantage.Lease) { l.Jobs[1].Challenge = l.Jobs[2].Challenge },
		"no proof":             func(l *vantage.Lease) { l.Jobs[2].Challenge = nil },
		"a proof in a slot":    func(l *vantage.Lease) { l.Jobs[2].Kind = vantage.KindSlot },
		"a kind of challenge":  func(l *vantage.Lease) { l.Jobs[2].Challenge.Kind = control.KindCredential },
		"a token of lines":     func(l *vantage.Lease) { l.Jobs[2].Challenge.Token = "a\nb" },
		"too many jobs":        func(l *vantage.Lease) { l.Jobs = slices.Repeat(l.Jobs, vantage.MaxJobs) },
	} {
		l := lease()
		change(&l)
		if _, err := vantage.SignLease(k, l); err == nil {
			t.Errorf("lease: %s", name)
		}
	}
	for name, change := range map[string]func(*vantage.Report){
		"version":            func(r *vantage.Report) { r.V = 0 },
		"number 0":           func(r *vantage.Report) { r.Seq = 0 },
		"no hash":            func(r *vantage.Report) { r.Prev = "" },
		"no clock":           func(r *vantage.Report) { r.Clock = time.Time{} },
		"no lease":           func(r *vantage.Report) { r.Lease = uuid.Nil },
		"a name of lines":    func(r *vantage.Report) { r.SW = "a\nb" },
		"no answers":         func(r *vantage.Report) { r.Answers = nil },
		"a job twice":        func(r *vantage.Report) { r.Answers[1].Job = r.Answers[0].Job },
		"no job":             func(r *vantage.Report) { r.Answers[0].Job = uuid.Nil },
		"no start":           func(r *vantage.Report) { r.Answers[0].Started = time.Time{} },
		"no stage":           func(r *vantage.Report) { r.Answers[0].Outcome.Stage = "" },
		"a class of its own": func(r *vantage.Report) { r.Answers[1].Decoy.Class = "bad" },
		"too many answers":   func(r *vantage.Report) { r.Answers = slices.Repeat(r.Answers, vantage.MaxAnswers) },
	} {
		r := report()
		change(&r)
		if _, err := vantage.SignReport(k, r); err == nil {
			t.Errorf("report: %s", name)
		}
	}
	if _, err := vantage.SignAsk(nil, ask()); err == nil {
		t.Error("no key")
	}
}

// TestTheLargestReportFits holds MaxReport against MaxAnswers.
func TestTheLargestReportFits(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("<", probe.MaxDetail)
	ms := map[probe.Stage]int64{}
	for _, s := range probe.Stages() {
		ms[s] = 15_000
	}
	o := probe.Outcome{
		Stage: probe.StageHandshake, FailedAt: probe.StageTarget, Class: probe.ClassTargetUnreachable, Detail: full, MS: ms,
		Addr: "[2001:db8:1111:2222:3333:4444:5555:6666]:65535", Control: &probe.Control{Detail: full},
		Evidence: &probe.Evidence{TGDC: 999, TGKey: strings.Repeat("f", 16), ServerKey: strings.Repeat("f", 64), Exit: &probe.Exit{
			Addr: "2001:db8:1111:2222:3333:4444:5555:6666", MAC: strings.Repeat("f", 64),
		}},
	}
	r := report()
	r.Answers = nil
	for range vantage.MaxAnswers {
		r.Answers = append(r.Answers, vantage.Answer{Job: uuid.New(), Started: at, Outcome: o, Decoy: &o})
	}
	e, err := vantage.SignReport(keyFrom(7), r)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", len(e.Body))
}

// TestAChainHasNoGapAndNoSecondLink draws histories of reports that are sent,
// lost, repeated and swapped, and holds what is taken against what was signed.
func TestAChainHasNoGapAndNoSecondLink(t *testing.T) {
	t.Parallel()
	k := keyFrom(7)
	known := enrolled(id(2), public(k))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "reports")
		chain := make([]vantage.Envelope, 0, n)
		prev := vantage.First()
		for i := range n {
			r := report()
			r.Seq, r.Prev = uint64(i)+1, prev
			e, err := vantage.SignReport(k, r)
			if err != nil {
				t.Fatal(err)
			}
			prev = vantage.PrevOf(e.Hash())
			chain = append(chain, e)
		}
		taken, last := uint64(0), [sha256.Size]byte{}
		for range rapid.IntRange(1, 20).Draw(t, "sent") {
			i := rapid.IntRange(0, n-1).Draw(t, "which")
			r, err := vantage.OpenReport(chain[i], known)
			if err != nil {
				t.Fatal(err)
			}
			err = r.Follows(taken, last, chain[i].Hash())
			switch at := uint64(i); {
			case at == taken:
				if err != nil {
					t.Fatalf("report %d after %d: %v", r.Seq, taken, err)
				}
				taken, last = r.Seq, chain[i].Hash()
			case at+1 == taken:
				if !errs.Is(err, "report_repeated") {
					t.Fatalf("the last report again: %v", err)
				}
			case !errs.Is(err, "report_out_of_order"):
				t.Fatalf("report %d after %d: %v", r.Seq, taken, err)
			}
		}
	})
	forked := report()
	forked.Seq, forked.Prev = 2, vantage.First()
	if err := forked.Follows(1, [32]byte{1}, [32]byte{2}); !errs.Is(err, "report_out_of_order") {
		t.Errorf("another past: %v", err)
	}
	forked.Seq, forked.Prev = 3, vantage.PrevOf([32]byte{1})
	if err := forked.Follows(1, [32]byte{1}, [32]byte{2}); !errs.Is(err, "report_out_of_order") {
		t.Errorf("a number left out: %v", err)
	}
	forked.Seq = 1
	if err := forked.Follows(1, [32]byte{1}, [32]byte{2}); !errs.Is(err, "report_out_of_order") {
		t.Errorf("another report of the same number: %v", err)
	}
}

func TestParseTelegram(t *testing.T) {
	t.Parallel()
	b := must(json.MarshalIndent(lease().Telegram, "", "  "))(t)
	if got := must(vantage.ParseTelegram(b))(t); !cmp.Equal(got, lease().Telegram) {
		t.Error(cmp.Diff(lease().Telegram, got))
	}
	for name, text := range map[string]string{
		"nothing": "", "unknown name": `{"keys_pem":"","x":1}`, "no centre": strings.Replace(string(b), "149.154.167.51:443", "", 1),
		"bytes behind": string(b) + "1", "long": strings.Repeat(" ", vantage.MaxTelegram) + string(b),
	} {
		if _, err := vantage.ParseTelegram([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEnrolment(t *testing.T) {
	t.Parallel()
	good := vantage.Enrolment{Token: "t", PublicKey: public(keyFrom(1))}
	welcome := vantage.Welcome{Vantage: id(1), ServiceKey: public(keyFrom(1))}
	if err := errors.Join(good.Validate(), welcome.Validate()); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		vantage.Enrolment{PublicKey: good.PublicKey}.Validate(), vantage.Enrolment{Token: "t"}.Validate(),
		vantage.Welcome{ServiceKey: good.PublicKey}.Validate(), vantage.Welcome{Vantage: id(1)}.Validate(),
	} {
		if err == nil {
			t.Error("accepted")
		}
	}
}
