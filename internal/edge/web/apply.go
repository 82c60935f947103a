package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/internal/bitcoin/money"
	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/claim"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// The sections of the application form.
const (
	stepService = 1
	stepCosts   = 2
	stepCheck   = 3
)

func (s *Site) getApply(v *visit) error {
	return v.show(http.StatusOK, views.ApplyPage(v.page, s.applyForm(v, stepService, rand.Text(), views.ApplyValues{})))
}

func (s *Site) applyForm(v *visit, step int, key string, values views.ApplyValues) views.Apply {
	return views.Apply{
		Step: step, IdempotencyKey: key, Values: values,
		Protocols: protocolOptions(), Regions: regionOptions(v.page), Languages: languageOptions(),
		MinSat: int64(v.fund.MinAmount), MaxSat: int64(v.fund.MaxAmount),
		Links: s.cfg.Endpoints != nil,
	}
}

// postApply takes the form from section to section; everything typed so far is
// in it. Sending shows the receipt in the answer itself: an address to be sent
// on to would have to hold the code.
func (s *Site) postApply(v *visit) error {
	step, err := strconv.Atoi(v.posted("step"))
	if err != nil || step < stepService || step > stepCheck {
		step = stepService
	}
	form := s.applyForm(v, step, v.posted("idempotency_key"), v.applyValues())
	if form.Links {
		if err := v.readLinks(&form.Values); err != nil {
			return err
		}
	}
	refused := s.understand(v, &form.Values)
	verb, arg, _ := strings.Cut(v.posted("go"), ":")
	switch verb {
	case "add":
		if len(form.Values.Endpoints) < claim.MaxEndpoints {
			form.Values.Endpoints = append(form.Values.Endpoints, views.ApplyEndpoint{})
		}
	case "drop":
		if i, err := strconv.Atoi(arg); err == nil && i >= 0 && i < len(form.Values.Endpoints) {
			form.Values.Endpoints = slices.Delete(form.Values.Endpoints, i, i+1)
		}
	case "back":
		form.Step = max(step-1, stepService)
	case "read":
		form.Errors = refused
	case "next":
		form.Errors = v.checkStep(step, form.Values, form.Links)
		if step == stepService {
			form.Errors = append(form.Errors, refused...)
		}
		if len(form.Errors) == 0 {
			form.Values.PayoutAddress = v.canonicalAddress(form.Values.PayoutAddress)
			form.Step = min(step+1, stepCheck)
		}
	default:
		return s.send(v, form, refused)
	}
	status := http.StatusOK
	if len(form.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	forgetSecret(&form)
	return v.show(status, views.ApplyPage(v.page, form))
}

func (v *visit) applyValues() views.ApplyValues {
	values := views.ApplyValues{
		Title: v.posted("title"), Narrative: v.posted("narrative"), Contact: v.posted("contact"),
		Region: v.posted("region"), Language: v.posted("language"),
		AmountSat: v.posted("amount_sat"), PayoutAddress: strings.TrimSpace(v.posted("payout_address")),
	}
	at := func(name string, i int) string {
		if list := v.list("endpoint_" + name); i < len(list) {
			return strings.TrimSpace(list[i])
		}
		return ""
	}
	// One more than allowed, so that the use case refuses what is too long.
	for i := range min(len(v.list("endpoint_host")), claim.MaxEndpoints+1) {
		values.Endpoints = append(values.Endpoints, views.ApplyEndpoint{
			Protocol: at(
				"protocol",
				i,
			),
			Host:     at("host", i),
			Port:     at("port", i),
			Username: at("username", i),
			Secret:   at("secret", i),
			Link:     at("link", i),
		})
	}
	return values
}

// proposal reads the typed values. What is no number is a field error here; all
// else is for the use case to judge.
func proposal(values views.ApplyValues) (grant.Proposal, []errs.Field) {
	p := grant.Proposal{
		Title: values.Title, Narrative: values.Narrative, Contact: values.Contact,
		Region: values.Region, Language: values.Language, PayoutAddress: values.PayoutAddress,
	}
	var bad []errs.Field
	for i, e := range values.Endpoints {
		if e.Link != "" {
			p.Endpoints = append(p.Endpoints, claim.Endpoint{Link: e.Link})
			continue
		}
		port, err := strconv.Atoi(asciiDigits(e.Port))
		if err != nil {
			bad = append(
				bad,
				errs.Field{
					Field:   endpointField(i, "port"),
					Code:    claim.CodeNotAPort,
					Message: "A port is a number from 1 to 65535.",
				},
			)
		}
		p.Endpoints = append(
			p.Endpoints,
			claim.Endpoint{Protocol: e.Protocol, Host: e.Host, Port: port, Username: e.Username, Secret: e.Secret},
		)
	}
	amount, wrong := money.ParseSat("amount_sat", values.AmountSat)
	if wrong != nil {
		bad = append(bad, *wrong)
	}
	p.AmountSat = int64(amount)
	return p, bad
}

func endpointField(i int, name string) string {
	return "endpoints[" + strconv.Itoa(i) + "]." + name
}

// asciiDigits writes Arabic and Persian digits as 0 to 9.
func asciiDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '٠' && r <= '٩':
			return '0' + r - '٠'
		case r >= '۰' && r <= '۹':
			return '0' + r - '۰'
		}
		return r
	}, strings.TrimSpace(s))
}

// checkStep finds early what would be refused later: empty fields, what is no
// number, and an address that cannot be paid. The use case judges all of it when
// the form is sent.
func (v *visit) checkStep(step int, values views.ApplyValues, links bool) []views.FieldError {
	_, bad := proposal(values)
	need := func(field, value string) {
		if strings.TrimSpace(value) == "" {
			bad = append(bad, errs.Field{Field: field, Code: errs.CodeRequired, Message: "Please fill this in."})
		}
	}
	need("title", values.Title)
	for i, e := range values.Endpoints {
		switch {
		case e.Link != "":
		case links && e.Protocol == "" && e.Host == "" && e.Port == "":
			bad = slices.DeleteFunc(bad, func(f errs.Field) bool { return f.Field == endpointField(i, "port") })
			need(endpointField(i, "link"), "")
		default:
			need(endpointField(i, "protocol"), e.Protocol)
			need(endpointField(i, "host"), e.Host)
		}
	}
	need("region", values.Region)
	need("language", values.Language)
	need("narrative", values.Narrative)
	if params, err := v.fund.Params(); err == nil {
		rules := wallet.PayeeRules{AllowFutureWitness: v.fund.FutureWitness}
		if _, wrong := rules.Parse(values.PayoutAddress, params, nil); wrong != nil {
			bad = append(bad, *wrong)
		}
	}
	bad = slices.DeleteFunc(bad, func(f errs.Field) bool { return stepOf(f.Field) != step })
	return fieldErrors(errs.InvalidFields(bad))
}

// canonicalAddress is the address that a text stands for, as it will be paid; what
// stands for none stays as it is.
func (v *visit) canonicalAddress(text string) string {
	params, err := v.fund.Params()
	if err != nil {
		return text
	}
	payee, wrong := wallet.PayeeRules{AllowFutureWitness: v.fund.FutureWitness}.Parse(text, params, nil)
	if wrong != nil {
		return text
	}
	return payee.Address
}

// forgetSecret takes a private key out of a form that is shown again: it must not
// stand in a page, and from there in a cache or on a screen.
func forgetSecret(form *views.Apply) {
	if _, wrong := wallet.CleanAddress(
		form.Values.PayoutAddress,
	); wrong != nil &&
		wrong.Code == wallet.FoundPrivateKey {
		form.Values.PayoutAddress = ""
	}
}

// stepOf returns the section that holds a field.
func stepOf(field string) int {
	switch field {
	case "amount_sat", "payout_address", "contact":
		return stepCosts
	}
	return stepService
}

// send hands the application in.
func (s *Site) send(v *visit, form views.Apply, refused []views.FieldError) error {
	p, bad := proposal(form.Values)
	receipt, err := s.cfg.Grants.Submit(v.ctx(), form.IdempotencyKey, p)
	wrong := fieldErrors(err)
	switch {
	case err == nil && len(bad) == 0:
		return v.show(
			http.StatusOK,
			views.ReceiptPage(v.page, views.Receipt{Code: receipt.Code, Reference: receipt.Reference}),
		)
	case errs.Is(err, errs.CodeIdempotencyMismatch):
		// Somebody went back, changed the form and sent it again: the new words
		// are another application, which needs a key of its own.
		form.Step, form.IdempotencyKey = stepCheck, rand.Text()
		words, _, _ := refusal(err)
		v.page.Flash = &views.Flash{Tone: "warn", Msg: words}
		forgetSecret(&form)
		return v.show(http.StatusUnprocessableEntity, views.ApplyPage(v.page, form))
	case len(wrong) == 0 && err != nil:
		return err
	}
	form.Errors = merge(append(fieldErrors(errs.InvalidFields(bad)), refused...), wrong)
	first := stepCheck
	for _, e := range form.Errors {
		first = min(first, stepOf(e.Field))
	}
	form.Step = first
	form.Errors = slices.DeleteFunc(form.Errors, func(e views.FieldError) bool { return stepOf(e.Field) != first })
	forgetSecret(&form)
	return v.show(http.StatusUnprocessableEntity, views.ApplyPage(v.page, form))
}

// merge adds to first what more says of other fields.
func merge(first, more []views.FieldError) []views.FieldError {
	for _, e := range more {
		if !slices.ContainsFunc(first, func(x views.FieldError) bool { return x.Field == e.Field }) {
			first = append(first, e)
		}
	}
	return first
}

// postReceipt compares what was typed with the code that the form carries;
// neither is looked up.
func (s *Site) postReceipt(v *visit) error {
	shown, err := identity.ParseReceipt(v.posted("code"))
	if err != nil {
		return v.see("/status")
	}
	receipt := views.Receipt{Code: shown.Grouped(), Reference: v.posted("reference"), Check: "wrong"}
	status := http.StatusUnprocessableEntity
	typed, err := identity.ParseReceipt(v.posted("typed"))
	if err == nil && subtle.ConstantTimeCompare([]byte(typed.Code()), []byte(shown.Code())) == 1 {
		receipt.Check, status = "ok", http.StatusOK
	}
	return v.show(status, views.ReceiptPage(v.page, receipt))
}
