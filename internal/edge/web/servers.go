package web

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/fleet/probe/control"
)

// myServers lists an operator's servers; none where nothing is checked, or when
// what was written is destroyed.
func (s *Site) myServers(v *visit, code string) ([]views.Server, error) {
	if s.cfg.Endpoints == nil {
		return nil, nil
	}
	list, err := s.cfg.Endpoints.Mine(v.ctx(), code, endpoint.DefaultChecks)
	if errs.Is(err, errs.CodePurged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []views.Server
	for i := range list {
		out = append(out, server(&list[i], v.page.Now))
	}
	return out, nil
}

func (s *Site) postServer(v *visit) error { return s.showServer(v, http.StatusOK, nil) }

// postServerRecheck asks for a check that counts for no slot.
func (s *Site) postServerRecheck(v *visit) error {
	_, err := s.cfg.Endpoints.Recheck(v.ctx(), v.posted("code"), v.posted("label"))
	return s.afterServer(v, err, "flash.recheck", nil)
}

// postServerProve asks for a look at one way of proving control.
func (s *Site) postServerProve(v *visit) error {
	_, err := s.cfg.Endpoints.Prove(v.ctx(), v.posted("code"), v.posted("label"), control.Kind(v.posted("kind")))
	return s.afterServer(v, err, "flash.prove", nil)
}

func (s *Site) postServerRotate(v *visit) error {
	_, err := s.cfg.Endpoints.RotateCredential(v.ctx(), v.posted("code"), v.posted("label"))
	return s.afterServer(v, err, "flash.rotated", nil)
}

// postServerBreak declares maintenance. Both moments are UTC, as the form says.
func (s *Site) postServerBreak(v *visit) error {
	typed := views.BreakTyped{From: v.posted("from"), To: v.posted("to")}
	keep := func(page *views.ServerPage) { page.Typed = typed }
	from, badFrom := momentOf("from", typed.From)
	to, badTo := momentOf("to", typed.To)
	if err := errs.InvalidFields(slices.Concat(badFrom, badTo)); err != nil {
		return s.afterServer(v, err, "", keep)
	}
	_, err := s.cfg.Endpoints.DeclareMaintenance(v.ctx(), v.posted("code"), v.posted("label"), from, to)
	return s.afterServer(v, err, "flash.break", keep)
}

// momentOf reads what an input of type datetime-local sends (HTML, section
// 4.10.5.1.11).
func momentOf(field, typed string) (time.Time, []errs.Field) {
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(form, asciiDigits(typed), time.UTC); err == nil {
			return at, nil
		}
	}
	return time.Time{}, []errs.Field{
		{Field: field, Code: CodeNotATime, Message: "Write a date and a time, such as 2026-11-22T18:30."},
	}
}

// postServerSnapshot sends the record that the uptime can be computed from again.
func (s *Site) postServerSnapshot(v *visit) error {
	label := v.posted("label")
	snapshot, err := s.cfg.Endpoints.MySnapshot(v.ctx(), v.posted("code"), label)
	if err != nil {
		return s.afterServer(v, err, "", nil)
	}
	name := strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, label)
	return v.file(name+"-uptime.json", echo.MIMEApplicationJSON, snapshot.Text)
}

// afterServer shows the server again, in the answer to the form: an address to be
// sent on to would have to hold the code.
func (s *Site) afterServer(v *visit, err error, done string, keep func(*views.ServerPage)) error {
	if err == nil {
		v.page.Flash = &views.Flash{Tone: "ok", Msg: views.Msg{Key: done}}
		return s.showServer(v, http.StatusOK, nil)
	}
	if unknownReceipt(err) {
		return s.unknownCode(v)
	}
	v.tellWhen(err)
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	wrong := fieldErrors(err)
	for i := range wrong {
		if wrong[i].Field == "to" && wrong[i].Code == "too_long" { // of time, not of text
			wrong[i].Code = "break_too_long"
		}
	}
	if len(wrong) == 0 {
		v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	}
	return s.showServer(v, status, func(page *views.ServerPage) {
		page.Errors = wrong
		if keep != nil {
			keep(page)
		}
	})
}

// unknownReceipt tells a code that nobody has from a server that is not there.
func unknownReceipt(err error) bool {
	return errs.Is(err, grant.CodeReceiptUnknown) || errs.Is(err, identity.CodeReceiptMalformed)
}

func (s *Site) showServer(v *visit, status int, change func(*views.ServerPage)) error {
	code, label := v.posted("code"), v.posted("label")
	list, err := s.cfg.Endpoints.Mine(v.ctx(), code, endpoint.DefaultChecks)
	if unknownReceipt(err) {
		return s.unknownCode(v)
	}
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(x endpoint.View) bool { return x.Endpoint.Label == label })
	if at < 0 {
		return errs.New(
			errs.NotFound,
			errs.CodeEndpointNotFound,
			"This application has no such server. Open the application again.",
		)
	}
	ways, err := s.cfg.Endpoints.Instructions(v.ctx(), code, label)
	if err != nil {
		return err
	}
	found, err := s.cfg.Grants.Status(v.ctx(), code)
	if err != nil {
		return err
	}
	page := views.ServerPage{Code: code, Reference: found.Application.Reference, Server: server(&list[at], v.page.Now)}
	for _, w := range ways {
		page.Ways = append(page.Ways, way(w))
	}
	if change != nil {
		change(&page)
	}
	return v.show(status, views.ServerPageView(v.page, page))
}

func way(in endpoint.Instructions) views.Way {
	w := views.Way{
		Kind:       string(in.Kind),
		Generation: in.Generation,
		Command:    in.Command,
		Name:       in.Name,
		Token:      in.Token,
		Until:      in.Until,
	}
	if c := in.Credential; c != nil {
		for _, f := range []views.SpecField{
			{Name: "user", Value: c.User},
			{Name: "password", Value: c.Password},
			{Name: "id", Value: c.UUID},
			{Name: "secret", Value: c.Secret},
			{Name: "public_key", Value: c.PublicKey},
		} {
			if f.Value != "" {
				w.Values = append(w.Values, f)
			}
		}
	}
	return w
}
