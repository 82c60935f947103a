package web_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html/atom"
)

// codeOf returns the receipt code that a page shows.
func codeOf(p page) string {
	p.t.Helper()
	for n := range p.doc.Descendants() {
		if n.DataAtom == atom.P && attr(n, "class") == "code" {
			var parts []string
			for c := range n.Descendants() {
				if c.DataAtom == atom.Span {
					parts = append(parts, textOf(c))
				}
			}
			return strings.Join(parts, "-")
		}
	}
	p.t.Fatalf("%s shows no receipt code:\n%s", p.path, p.text())
	return ""
}

// fillIn goes through the form up to its last section.
func (b *browser) fillIn(address, amount string) page {
	b.t.Helper()
	p := b.submit(b.get("/apply"), "/apply", url.Values{
		"title": {"Прокси <b>для</b> студентов"}, "narrative": {"Two servers that students read the news through."}, "region": {"IR"}, "language": {"ru"},
		"endpoint_protocol": {"mtproto"}, "endpoint_host": {"Exit1.example.net"}, "endpoint_port": {"۴۴۳"}, "button": {"go=next"},
	}).wants(200)
	return b.submit(p, "/apply", url.Values{"amount_sat": {amount}, "payout_address": {address}, "button": {"go=next"}})
}

func TestAnOperatorAppliesAndComesBackWithoutJavaScript(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()
	b.get("/").wants(200, "Test fund", "10 000", "5 000 000")

	check := b.fillIn(payee(t, 0), "250 000").wants(200, "Прокси <b>для</b> студентов", "MTProto")
	receipt := b.submit(check, "/apply", url.Values{"button": {"go=send"}}).wants(200, "receipt code")
	code := codeOf(receipt)
	again := b.submit(check, "/apply", url.Values{"button": {"go=send"}}).wants(200)

	if other := codeOf(again); other != code {
		t.Errorf("the same form gave %s and then %s", code, other)
	}
	b.submit(receipt, "/apply/receipt", url.Values{"typed": {"AAAAA"}}).wants(422, "This is not the code above")
	kept := b.submit(receipt, "/apply/receipt", url.Values{"typed": {" " + strings.ToLower(strings.ReplaceAll(code, "-", " "))}}).wants(200, "safe with you")
	status := b.submit(kept, "/status", nil).wants(200, "Прокси <b>для</b> студентов", "Nobody has looked at it yet", "250 000")
	status = b.submit(status, "/status/messages", url.Values{"text": {"One server moves next week."}}).wants(200, "Sent.", "One server moves next week.")
	b.submit(status, "/status/messages", url.Values{"text": {"  "}}).wants(422, "Fill this in")
	b.submit(status, "/status/withdraw", nil).wants(200, "Withdrawn. No money moves.")
	b.submit(status, "/status/withdraw", nil).wants(409, "can no longer be done")

	for _, p := range []page{receipt, again, kept, status} {
		if strings.Contains(p.path, code) || strings.Contains(strings.Join(p.header.Values("Set-Cookie"), " "), code) {
			t.Errorf("%s: the code is in an address or a cookie", p.path)
		}
	}
}

func TestWhatIsRefusedKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()

	empty := b.submit(b.get("/apply"), "/apply", url.Values{"title": {"Kept"}, "endpoint_port": {"none"}, "button": {"go=next"}})
	empty.wants(422, "fields need another look", "A port is a number", "Choose")
	if got := fields(empty.form("/apply")); got.Get("title") != "Kept" || got.Get("endpoint_port") != "none" {
		t.Errorf("the form forgot: %v", got)
	}
	for _, n := range []string{"region", "narrative", "endpoints-0-host", "endpoints-0-port"} {
		if !strings.Contains(string(empty.body), `href="#`+n+`"`) || !strings.Contains(string(empty.body), `id="`+n+`"`) {
			t.Errorf("the summary does not lead to %s", n)
		}
	}
	for _, c := range []struct{ address, amount, says string }{
		{"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "250000", "This address is for mainnet"},
		{strings.Replace(payee(t, 0), "q", "p", 1), "250000", "checksum"},
		{"!!!", "250000", "not a Bitcoin address"},
		{payee(t, 0), "1.5", "cannot be split"},
		{payee(t, 0), "-5", "above zero"},
		{payee(t, 0), "much", "whole number"},
	} {
		p := b.fillIn(c.address, c.amount).wants(422, c.says)
		if got := fields(p.form("/apply")); got.Get("payout_address") != c.address || got.Get("amount_sat") != c.amount {
			t.Errorf("the form forgot: %v", got)
		}
	}
	const secret = "5KYZdUEo39z3FPrtuX2QbbwGnNP5zTd7yyr2SC1j299sBCnWjss"
	if p := b.fillIn(secret, "250000").wants(422, "This is a private key"); strings.Contains(string(p.body), secret) {
		t.Error("a private key is shown again")
	}
	grouped := "bitcoin:" + payee(t, 0) + "?amount=1"
	if got := fields(b.fillIn(grouped, "250000").wants(200).form("/apply")); got.Get("payout_address") != payee(t, 0) {
		t.Errorf("the address of a link is shown as %q", got.Get("payout_address"))
	}
	for _, c := range []struct{ amount, says string }{
		{"5000001", "above the largest grant, 5 000 000 sat"},
		{"9999", "below the smallest grant, 10 000 sat"},
		{"1", "too small to be paid"},
	} {
		p := b.submit(b.fillIn(payee(t, 0), c.amount).wants(200), "/apply", url.Values{"button": {"go=send"}}).wants(422, c.says)
		if !strings.Contains(string(p.body), `id="amount-sat"`) {
			t.Error("the form is not open at the section that holds the error")
		}
	}
}

func TestTreasuryAddressIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	own, err := account(t, 1).Address(0, 3)
	must(t, err)
	b := r.browse()

	p := b.submit(b.fillIn(own, "250000").wants(200), "/apply", url.Values{"button": {"go=send"}})

	p.wants(422, "one of the fund’s own addresses")
}

func TestServersAreAddedAndDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()

	two := b.submit(b.get("/apply"), "/apply", url.Values{"endpoint_host": {"a.example"}, "button": {"go=add"}}).wants(200, "Server 2")
	one := b.submit(two, "/apply", url.Values{"endpoint_host": {"a.example", "b.example"}, "button": {"go=drop:0"}}).wants(200)

	if got := fields(one.form("/apply"))["endpoint_host"]; len(got) != 1 || got[0] != "b.example" {
		t.Errorf("left over: %v", got)
	}
	for _, verb := range []string{"drop:9", "drop:-1", "drop:x", "back", "nonsense"} {
		if p := b.submit(two, "/apply", url.Values{"button": {"go=" + verb}}); p.status >= 500 {
			t.Errorf("%s: %d", verb, p.status)
		}
	}
}

func TestChangedFormIsAnotherApplication(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()
	check := b.fillIn(payee(t, 0), "250000")
	first := codeOf(b.submit(check, "/apply", url.Values{"button": {"go=send"}}))

	changed := b.submit(check, "/apply", url.Values{"title": {"Another title"}, "button": {"go=send"}}).wants(422, "sent before with other words")
	second := codeOf(b.submit(changed, "/apply", url.Values{"button": {"go=send"}}).wants(200))

	if first == second {
		t.Error("two applications share a code")
	}
}

func TestUnknownCodeShowsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()

	for _, path := range []string{"/status", "/status/messages", "/status/withdraw"} {
		form := url.Values{"text": {"Hello?"}}
		form.Set("code", "7K3FQ-2M9XD-T4WVB-ZC61H-PN8RGE")
		b.post(path, form).wants(404, "We know no application with this code")
		form.Set("code", "short")
		b.post(path, form).wants(404, "26 letters and digits")
	}
	b.post("/apply/receipt", url.Values{"code": {"no"}, "typed": {"no"}}).wants(200, "Enter the receipt code")
}

func TestOperatorsPagesSpeakRussian(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	b := r.browse()
	home := b.get("/")

	apply := b.submit(home, "/prefs", url.Values{"ui": {"ru"}, "theme": {"dark"}, "back": {"/apply"}}).wants(200, "Иран")

	if apply.path != "/apply" || !strings.Contains(string(apply.body), `lang="ru"`) || !strings.Contains(string(apply.body), `data-theme="dark"`) {
		t.Errorf("%s: %s", apply.path, apply.body[:300])
	}
	for _, back := range []string{"//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "", "\n"} {
		if p := b.post("/prefs", url.Values{"back": {back}, "theme": {"<x>"}, "ui": {"xx"}}); p.path != "/" {
			t.Errorf("back %q leads to %s", back, p.path)
		}
	}
}
