package grant_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/decision"
)

func TestSameKeyAndBodyGiveTheSameAnswerWhateverHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.Submit(t.Context(), key(1), proposal(t, 1))
	noError(t, err)
	id := w.status(t, first.Code).Application.ID
	again := func(after string) {
		got, err := w.Submit(t.Context(), key(1), proposal(t, 1))
		if diff := cmp.Diff(first, got); err != nil || diff != "" {
			t.Errorf("after it was %s: %v\n%s", after, err, diff)
		}
	}

	again("submitted")
	noError(t, w.vote(t.Context(), w.reviewers[0], id, question))
	again("asked about")
	revised := proposal(t, 1)
	revised.AmountSat *= 2
	_, err = w.Revise(t.Context(), first.Code, revised)
	noError(t, err)
	again("revised")
	_, err = w.Withdraw(t.Context(), first.Code)
	noError(t, err)
	again("withdrawn")
	w.exec(t, "UPDATE application SET data_key = NULL")
	again("purged")

	if n := w.number(t, "SELECT count(*) FROM application"); n != 1 {
		t.Errorf("%d applications", n)
	}
	if first.State != grant.Submitted || first.Revision != 1 || !strings.HasPrefix(first.Reference, "GR-") {
		t.Errorf("receipt %+v", first)
	}
}

func TestReceiptCommitsToWhatWasSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt, err := w.Submit(t.Context(), key(1), proposal(t, 1))
	noError(t, err)

	d := w.show(t, w.status(t, receipt.Code).Application.ID)

	note, err := decision.Parse([]byte(d.Note))
	noError(t, err)
	commitment := sha256.Sum256(note.Application[:])
	if note.Application != d.BodySHA256 || note.Digest() != d.Decision.Digest || hex.EncodeToString(commitment[:]) != receipt.ApplicationSHA256 {
		t.Errorf("the note is for application %x, shown is %x, the receipt commits to %s", note.Application, d.BodySHA256, receipt.ApplicationSHA256)
	}
	p := proposal(t, 1)
	want := grant.Body{Salt: d.Body.Salt, Title: p.Title, Narrative: p.Narrative, Endpoints: p.Endpoints, PayoutAddress: p.PayoutAddress}
	want.Endpoints[0].Username, want.Endpoints[0].Secret = "", ""
	if diff := cmp.Diff(want, d.Body); diff != "" {
		t.Errorf("what reviewers see:\n%s", diff)
	}
	if len(d.Body.Salt) != 32 {
		t.Errorf("salt %q", d.Body.Salt)
	}
	if diff := cmp.Diff(proposal(t, 1).Endpoints, w.status(t, receipt.Code).Body.Endpoints); diff != "" {
		t.Errorf("what the operator sees:\n%s", diff)
	}
}

func TestSameWordsGiveAnotherDigestToEachApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := w.Submit(t.Context(), key(1), proposal(t, 1))
	noError(t, err)
	second, err := w.Submit(t.Context(), key(2), proposal(t, 1))
	noError(t, err)

	if first.ApplicationSHA256 == second.ApplicationSHA256 || first.Code == second.Code || first.Reference == second.Reference {
		t.Error("two applications share a digest, a code or a reference")
	}
}

func TestAnotherBodyUnderTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.file(t, 1)
	other, broken, spaced := proposal(t, 1), proposal(t, 1), proposal(t, 1)
	other.AmountSat++
	broken.AmountSat = -1
	spaced.Title = "\n " + spaced.Title + " "

	w.nothingWritten(t, func() {
		for name, p := range map[string]grant.Proposal{"other": other, "broken": broken} {
			_, err := w.Submit(t.Context(), key(1), p)
			if e := told(t, err); e.Kind != errs.Invalid || e.Code != "idempotency_mismatch" {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Submit(t.Context(), key(1), spaced); err != nil {
			t.Errorf("space at an end makes another body: %v", err)
		}
	})
}

func TestARefusedProposalDoesNotSpendItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := proposal(t, 1)
	bad.Title = ""

	w.nothingWritten(t, func() {
		_, err := w.Submit(t.Context(), key(1), bad)
		wantCode(t, err, "invalid_fields")
	})
	_, err := w.Submit(t.Context(), key(1), proposal(t, 1))
	wantCode(t, err, "")
}

func TestIdempotencyKeysThatAreNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tests := []struct {
		name, key, code string
		kind            errs.Kind
	}{
		{"missing", "", "idempotency_key_missing", errs.Precondition},
		{"short", strings.Repeat("k", 15), "idempotency_key_form", errs.Invalid},
		{"long", strings.Repeat("k", 129), "idempotency_key_form", errs.Invalid},
		{"shortest", strings.Repeat("k", 16), "", errs.Internal},
		{"longest", strings.Repeat("k", 128), "", errs.Internal},
	}
	for _, test := range tests {
		_, err := w.Submit(t.Context(), test.key, proposal(t, 1))
		wantCode(t, err, test.code)
		if test.code != "" && errs.KindOf(err) != test.kind {
			t.Errorf("%s: kind %s, want %s", test.name, errs.KindOf(err), test.kind)
		}
	}
}

func TestParallelSubmitsWithOneKeyMakeOneApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := proposal(t, 1)
	receipts := make([]grant.Receipt, 64)

	codes := together(len(receipts), func(i int) (err error) {
		receipts[i], err = w.Submit(t.Context(), key(1), p)
		return err
	})

	if diff := cmp.Diff(map[string]int{"": len(receipts)}, tally(codes)); diff != "" {
		t.Error(diff)
	}
	for i, r := range receipts {
		if r != receipts[0] {
			t.Errorf("answer %d is %+v, the first was %+v", i, r, receipts[0])
		}
	}
	for _, table := range []string{"application", "application_revision", "decision", "idempotency", "event", "audit_waiting"} {
		if n := w.number(t, "SELECT count(*) FROM "+table); n != 1 {
			t.Errorf("%d rows in %s", n, table)
		}
	}
}

func TestWhatOperatorsAreToldOfEachField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	treasury, err := account(t, 1).Address(wallet.ChainChange, 17)
	noError(t, err)
	good := payee(t, 1)
	mistyped := good[:len(good)-1] + map[bool]string{true: "q", false: "p"}[good[len(good)-1] == 'p']
	endpoint := func(f func(*claim.Endpoint)) func(*grant.Proposal) {
		return func(p *grant.Proposal) { f(&p.Endpoints[0]) }
	}
	amount := func(n int64) func(*grant.Proposal) { return func(p *grant.Proposal) { p.AmountSat = n } }
	address := func(s string) func(*grant.Proposal) { return func(p *grant.Proposal) { p.PayoutAddress = s } }
	tests := []struct {
		name   string
		change func(*grant.Proposal)
		want   string // field and code of each, "" for accepted
	}{
		{"nothing at all", func(p *grant.Proposal) { *p = grant.Proposal{} }, "title required, narrative required, region unknown_region, language unknown_language, endpoints required, payout_address required, amount_sat not_positive"},

		{"amount 0", amount(0), "amount_sat not_positive"},
		{"amount negative", amount(-1), "amount_sat not_positive"},
		{"amount dust", amount(293), "amount_sat dust"},
		{"amount no dust, below the minimum", amount(294), "amount_sat below_minimum"},
		{"amount just below the minimum", amount(9_999), "amount_sat below_minimum"},
		{"amount the minimum", amount(10_000), ""},
		{"amount the limit", amount(5_000_000), ""},
		{"amount above the limit", amount(5_000_001), "amount_sat above_limit"},
		{"amount of all there is", amount(1 << 62), "amount_sat above_limit"},

		{"address missing", address(" "), "payout_address required"},
		{"address of mainnet", address("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"), "payout_address wrong_network"},
		{"address of mainnet in base58", address("1BoatSLRHtKNngkdXEeobR76b53LETtpyT"), "payout_address wrong_network"},
		{"address mistyped", address(mistyped), "payout_address bad_checksum"},
		{"address in mixed case", address(strings.ToUpper(good[:8]) + good[8:]), "payout_address mixed_case"},
		{"address in capitals", address(strings.ToUpper(good)), ""},
		{"address of a later witness version", address("bc1sw50qgdz25j"), "payout_address unknown_witness_version"},
		{"address of the treasury", address(treasury), "payout_address treasury_script"},
		{"address in a link", address("bitcoin:" + good), ""}, // as wallets copy it (BIP 21)
		{"address in a link that asks for more", address("bitcoin:" + good + "?req-x=1"), "payout_address unsupported_link"},

		{"title short", func(p *grant.Proposal) { p.Title = "ab" }, "title too_short"},
		{"title long", func(p *grant.Proposal) { p.Title = strings.Repeat("й", 121) }, "title too_long"},
		{"title at its limit", func(p *grant.Proposal) { p.Title = strings.Repeat("й", 120) }, ""},
		{"title not UTF-8", func(p *grant.Proposal) { p.Title = "abc\xff" }, "title not_text"},
		{"title of two lines", func(p *grant.Proposal) { p.Title = "Relay\nApproved by Ada" }, "title line_break"},
		{"title turned round", func(p *grant.Proposal) { p.Title = "Relay \u202egnihton" }, "title bad_character"},
		{"title in Persian", func(p *grant.Proposal) { p.Title = "می\u200cخواهم" }, ""},
		{"title of invisible letters", func(p *grant.Proposal) { p.Title = "pay\u200bpal" }, "title bad_character"},
		{"narrative of paragraphs", func(p *grant.Proposal) { p.Narrative += "\r\n\r\n\tAnd more." }, ""},
		{"contact of two lines", func(p *grant.Proposal) { p.Contact = "a\nb" }, "contact line_break"},
		{"narrative short", func(p *grant.Proposal) { p.Narrative = "Pay me." }, "narrative too_short"},
		{"narrative long", func(p *grant.Proposal) { p.Narrative = strings.Repeat("n", 6001) }, "narrative too_long"},
		{"narrative with NUL", func(p *grant.Proposal) { p.Narrative += "\x00." }, "narrative bad_character"},
		{"contact left out", func(p *grant.Proposal) { p.Contact = "" }, ""},
		{"contact long", func(p *grant.Proposal) { p.Contact = strings.Repeat("c", 201) }, "contact too_long"},

		{"region in small letters", func(p *grant.Proposal) { p.Region = "ir" }, "region unknown_region"},
		{"region that does not exist", func(p *grant.Proposal) { p.Region = "ZZ" }, "region unknown_region"},
		{"region that was", func(p *grant.Proposal) { p.Region = "SU" }, "region unknown_region"},
		{"language that does not exist", func(p *grant.Proposal) { p.Language = "xx" }, "language unknown_language"},
		{"language in three letters", func(p *grant.Proposal) { p.Language = "rus" }, "language unknown_language"},
		{"region other", func(p *grant.Proposal) { p.Region = "other" }, ""},
		{"language spelled out", func(p *grant.Proposal) { p.Language = "english" }, "language unknown_language"},

		{"endpoints none", func(p *grant.Proposal) { p.Endpoints = nil }, "endpoints required"},
		{"endpoints 21", func(p *grant.Proposal) {
			for len(p.Endpoints) < 21 {
				p.Endpoints = append(p.Endpoints, p.Endpoints[0])
			}
		}, "endpoints too_many"},
		{"endpoint protocol", endpoint(func(e *claim.Endpoint) { e.Protocol = "gopher" }), "endpoints[0].protocol unknown_protocol"},
		{"endpoint without host", endpoint(func(e *claim.Endpoint) { e.Host = "" }), "endpoints[0].host required"},
		{"endpoint host is a URL", endpoint(func(e *claim.Endpoint) { e.Host = "https://a.example" }), "endpoints[0].host not_a_host"},
		{"endpoint host with port", endpoint(func(e *claim.Endpoint) { e.Host = "a.example:80" }), "endpoints[0].host not_a_host"},
		{"endpoint host of IPv6", endpoint(func(e *claim.Endpoint) { e.Host = "2001:db8::1" }), ""},
		{"endpoint host in capitals", endpoint(func(e *claim.Endpoint) { e.Host = " A.Example " }), ""},
		{"endpoint port 0", endpoint(func(e *claim.Endpoint) { e.Port = 0 }), "endpoints[0].port not_a_port"},
		{"endpoint port 65536", endpoint(func(e *claim.Endpoint) { e.Port = 65536 }), "endpoints[0].port not_a_port"},
		{"endpoint words long", endpoint(func(e *claim.Endpoint) {
			e.Username, e.Secret, e.Note = strings.Repeat("u", 257), strings.Repeat("s", 257), strings.Repeat("n", 501)
		}), "endpoints[0].username too_long, endpoints[0].secret too_long, endpoints[0].note too_long"},
		{"endpoint words not UTF-8", endpoint(func(e *claim.Endpoint) {
			e.Username, e.Secret, e.Note = "\xff", "\xff", "\xff"
		}), "endpoints[0].username not_text, endpoints[0].secret not_text, endpoints[0].note not_text"},
		{"second endpoint", func(p *grant.Proposal) {
			p.Endpoints = append(p.Endpoints, claim.Endpoint{Protocol: "mtproto", Host: "b.example", Port: -1})
		}, "endpoints[1].port not_a_port"},
	}
	for n, test := range tests {
		p := proposal(t, 1)
		test.change(&p)

		_, err := w.Submit(t.Context(), key(n), p)

		var got []string
		if err != nil {
			e := told(t, err)
			if e.Kind != errs.Invalid || e.Code != "invalid_fields" {
				t.Errorf("%s: %v", test.name, err)
			}
			for _, f := range e.Fields {
				got = append(got, f.Field+" "+string(f.Code))
				if f.Message == "" || strings.Contains(f.Message, "swordfish") {
					t.Errorf("%s: %s is told %q", test.name, f.Field, f.Message)
				}
			}
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: got %q, want %q", test.name, strings.Join(got, ", "), test.want)
		}
		w.exec(t, "UPDATE application SET state = 'withdrawn' WHERE state = 'submitted'") // few of one address may be open
	}
}

func TestLimitsAreNamedInFieldErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for amount, want := range map[int64]map[string]string{
		1: {"limit_sat": "294"}, 5_000: {"limit_sat": "10000"}, 6_000_000: {"limit_sat": "5000000"},
	} {
		p := proposal(t, 1)
		p.AmountSat = amount

		_, err := w.Submit(t.Context(), key(1), p)

		if diff := cmp.Diff(want, told(t, err).Fields[0].Params); diff != "" {
			t.Errorf("%d sat: %s", amount, diff)
		}
	}
}

func TestUnknownAndMalformedReceiptsGetTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.file(t, 1).code
	unknown := strings.Repeat("7", len(strings.ReplaceAll(code, "-", "")))
	calls := map[string]func(code string) error{
		"status":   func(code string) error { _, err := w.Status(t.Context(), code); return err },
		"reply":    func(code string) error { _, err := w.Reply(t.Context(), code, "hello"); return err },
		"revise":   func(code string) error { _, err := w.Revise(t.Context(), code, proposal(t, 1)); return err },
		"withdraw": func(code string) error { _, err := w.Withdraw(t.Context(), code); return err },
	}
	same := func(when string) {
		for name, call := range calls {
			want := call(unknown)
			for _, malformed := range []string{"", "x", code + "0", code[1:], "\xff", strings.Repeat("U", 26), strings.Repeat("7", 10_000)} {
				if got := call(malformed); got == nil || want == nil || got.Error() != want.Error() {
					t.Errorf("%s %s with %.30q: %v, want %v", when, name, malformed, got, want)
				}
			}
		}
	}

	w.nothingWritten(t, func() { same("while all is well") })
	if err := calls["status"](unknown); errs.KindOf(err) != errs.NotFound || !errs.Is(err, "receipt_unknown") {
		t.Error(err)
	}
	if _, err := w.Status(t.Context(), strings.ToLower(strings.ReplaceAll(code, "-", " "))); err != nil {
		t.Errorf("as people type it: %v", err)
	}
	w.app.Close()
	same("without a database")
	if err := calls["status"](unknown); err == nil || errs.KindOf(err) == errs.NotFound {
		t.Errorf("without a database nothing is known to be absent, got %v", err)
	}
}

// BenchmarkUnknownReceipt shows that a code that cannot be one takes as long as
// one that is not known.
func BenchmarkUnknownReceipt(b *testing.B) {
	w := newWorld(b)
	w.file(b, 1)
	for name, code := range map[string]string{"malformed": "x", "unknown": strings.Repeat("7", 26)} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := w.Status(b.Context(), code); !errs.Is(err, "receipt_unknown") {
					b.Fatal(err)
				}
			}
		})
	}
}
