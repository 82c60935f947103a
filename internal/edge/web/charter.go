package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/causeway-fund/causeway/internal/edge/web/views"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/registry"
)

func (s *Site) getCharter(v *visit) error { return s.showCharter(v, http.StatusOK, views.Charter{}) }

func (s *Site) showCharter(v *visit, status int, view views.Charter) error {
	book, err := s.cfg.Charters.Show(v.ctx(), v.by)
	if err != nil {
		return err
	}
	for i, x := range book.Versions {
		c := charterVersion(x)
		if i == 0 {
			view.Newest = &c
		} else if x.Binds {
			view.Binding = append(view.Binding, c.Version)
		}
		view.History = append(view.History, c)
	}
	view.BindsAlone = moment(book.BindsAlone)
	for _, d := range book.Drafts {
		view.Drafts = append(view.Drafts, charterDraft(d))
	}
	for _, r := range book.Refused {
		words, _, _ := refusal(r.Why)
		view.Refused = append(view.Refused, views.CharterRefused{Digest: r.Digest.String(), Msg: words})
	}
	return v.show(status, views.CharterPage(v.page, view))
}

func charterVersion(x registry.Version) views.CharterVersion {
	c := x.Charter
	out := views.CharterVersion{
		Version: c.Version, Digest: x.Digest.String(), At: x.At, ExpiresAt: c.Expires, Sole: c.Sole(),
		HoldHours: c.HoldHours, Trustees: c.Trustees, Changes: charterChanges(x.Changes), Binds: x.Binds,
		Limits: []views.CharterLimit{
			{Name: "decision", Value: int64(c.Limits.Decision), Sat: true},
			{Name: "day", Value: int64(c.Limits.Day), Sat: true},
			{Name: "month", Value: int64(c.Limits.Month), Sat: true},
			{Name: "passkey_only", Value: int64(c.Limits.PasskeyOnlyDay), Sat: true},
			{Name: "fees", Value: int64(c.Limits.FeesDay), Sat: true},
			{Name: "fee", Value: int64(c.Limits.Fee), Sat: true},
			{Name: "feerate", Value: c.Limits.FeeRateSatKVB},
			{Name: "permille", Value: c.Limits.FeePermille},
		},
	}
	for _, l := range c.Lines {
		out.Lines = append(out.Lines, views.CharterLine{
			UpTo: int64(l.UpTo), Reviewers: l.Reviewers, ByTerminal: l.ByTerminal, Treasurers: l.Treasurers,
		})
	}
	for _, p := range c.People {
		person := views.CharterPerson{Name: p.Name, Passkeys: len(p.Passkeys)}
		for _, r := range p.Roles {
			person.Roles = append(person.Roles, string(r))
		}
		for _, k := range p.SSH {
			person.SSH = append(person.SSH, k.Fingerprint())
		}
		out.People = append(out.People, person)
	}
	for _, id := range c.Revoked {
		out.Revoked = append(out.Revoked, id.String())
	}
	for _, signer := range c.Signers {
		out.Signers = append(out.Signers, views.CharterSigner{
			Name: signer.Name, Fingerprint: signer.Fingerprint, Key: signer.Key.Fingerprint(),
		})
	}
	for _, t := range c.Treasuries {
		out.Treasuries = append(out.Treasuries, views.CharterTreasury{Number: t.Number, Descriptor: t.Descriptor})
	}
	return out
}

func charterChanges(list []charter.Change) []views.CharterChange {
	out := make([]views.CharterChange, len(list))
	for i, c := range list {
		out[i] = views.CharterChange{Effect: string(c.Effect), Text: c.Text}
	}
	return out
}

func charterDraft(d registry.DraftView) views.CharterDraft {
	out := views.CharterDraft{
		Version: d.Charter.Version, Digest: d.Digest.String(), By: d.Proposer, At: d.At, HoldHours: d.HoldHours,
		Changes: charterChanges(d.Changes),
	}
	for _, n := range d.Counts {
		t := views.CharterTrustees{Version: n.Version, Needed: n.Needed, Enough: n.Enough()}
		for _, p := range n.Signed {
			t.Signed = append(t.Signed, p.Name)
		}
		for _, p := range n.Others {
			t.Others = append(t.Others, p.Name)
		}
		out.Trustees = append(out.Trustees, t)
	}
	return out
}

// getCharterText sends the exact bytes that the digest is of.
func (s *Site) getCharterText(v *visit) error {
	book, err := s.cfg.Charters.Show(v.ctx(), v.by)
	if err != nil {
		return err
	}
	digest := v.Param("digest")
	file := func(version int64, text []byte) error {
		return v.file("charter-"+strconv.FormatInt(version, 10)+".txt", echo.MIMETextPlainCharsetUTF8, text)
	}
	for _, d := range book.Drafts {
		if d.Digest.String() == digest {
			return file(d.Charter.Version, d.Text)
		}
	}
	for _, x := range book.Versions {
		if x.Digest.String() == digest {
			return file(x.Charter.Version, x.Text)
		}
	}
	return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
}

func (s *Site) postCharter(v *visit) error {
	typed := strings.ReplaceAll(v.posted("text"), "\r\n", "\n")
	if err := s.cfg.Charters.Propose(v.ctx(), v.by, []byte(typed)); err != nil {
		return s.refuseCharter(v, err, typed)
	}
	return v.see("/charter")
}

func (s *Site) postCharterSign(v *visit) error {
	digest, err := decision.ParseDigest(v.Param("digest"))
	if err != nil {
		return errs.New(errs.NotFound, errs.CodeNotFound, "There is nothing at this address.")
	}
	signature := strings.ReplaceAll(v.posted("signature"), "\r\n", "\n")
	signature = strings.TrimSpace(signature) + "\n" // copying may add or lose the last line feed
	if err := s.cfg.Charters.Sign(v.ctx(), v.by, digest, []byte(signature)); err != nil {
		return s.refuseCharter(v, err, "")
	}
	return v.see("/charter")
}

func (s *Site) refuseCharter(v *visit, err error, typed string) error {
	words, status, ok := refusal(err)
	if !ok {
		return err
	}
	v.page.Flash = &views.Flash{Tone: "bad", Msg: words}
	return s.showCharter(v, status, views.Charter{Typed: typed})
}
