package registry

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/authority"
	"github.com/causeway-fund/causeway/internal/trust/charter"
	"github.com/causeway-fund/causeway/internal/trust/decision"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/sshsig"
)

// judge returns the charter of a text if it may be taken in after what state has: the first
// one by the trustees whom it lists itself.
func (s *Service) judge(
	state *authority.State, text []byte, signatures []Signature, at time.Time,
) (charter.Charter, error) {
	armored := make([][]byte, len(signatures))
	for i, signature := range signatures {
		armored[i] = signature.Armored
	}
	if _, ok := state.Newest(); !ok {
		c, err := state.CheckFirst(text, armored, authority.At(at))
		if err == nil && !slices.ContainsFunc(c.Treasuries, s.fundsOwn) {
			err = errs.New(errs.Conflict, CodeOtherTreasury,
				"The charter does not list the treasury that this fund was set up with.")
		}
		return c, err
	}
	c, known, err := state.CheckCharter(text, armored, authority.At(at))
	if err == nil && known {
		err = errs.New(errs.Conflict, CodeCharterExists, "This charter was taken in before. Nothing was changed.")
	}
	return c, err
}

func (s *Service) fundsOwn(t charter.Treasury) bool { return t.Descriptor == s.fund.Descriptor }

// Begin takes the first charter in. It is for the fund's own host: it asks for no person.
func (s *Service) Begin(ctx context.Context, text []byte, signatures [][]byte) (charter.Charter, error) {
	var c charter.Charter
	err := s.store.UpdateBook(ctx, func(w *Work) error {
		state, held, _ := s.replay(w.Book)
		if len(held) > 0 {
			return errs.New(errs.Conflict, CodeCharterExists,
				"This fund has a charter already. Propose the next one on the page Charter.")
		}
		var err error
		if c, err = charter.Parse(text); err != nil {
			return err
		}
		now := s.now()
		t := Taken{Digest: c.Digest(), Text: text, At: now}
		for _, armored := range signatures {
			signature, err := sshsig.Parse(armored)
			if err != nil {
				return err
			}
			key := signature.Key.Fingerprint()
			if slices.ContainsFunc(t.Signatures, func(s Signature) bool { return s.Key == key }) {
				continue
			}
			if !asks([]charter.Charter{c}, signature.Key) {
				return notTrustee()
			}
			t.Signatures = append(t.Signatures, Signature{Charter: t.Digest, Key: key, Armored: armored, At: now})
		}
		if c, err = s.judge(state, text, t.Signatures, now); err != nil {
			return err
		}
		w.NewTaken = &t
		w.Entries = []audit.Entry{s.entry(identity.System("admin-cli"), "charter.taken_in", t.Digest, now)}
		return nil
	})
	return c, err
}

func (s *Service) entry(by identity.Actor, action string, digest decision.Digest, at time.Time) audit.Entry {
	return audit.Entry{
		Actor: by, Action: action, ObjectKind: "fund", ObjectID: s.fund.ID.String(), Digest: digest[:], At: at,
	}
}

// Propose keeps a draft of the next charter. The same text again changes nothing. Errors are
// those of charter.Parse, charter_first, charter_not_next, charter_other_fund,
// charter_unchanged and charter_drafts_full.
func (s *Service) Propose(ctx context.Context, by identity.Actor, text []byte) error {
	if err := by.Require(identity.PermCharterPropose); err != nil {
		return err
	}
	c, err := charter.Parse(text)
	if err != nil {
		return err
	}
	return s.store.UpdateBook(ctx, func(w *Work) error {
		state, _, _ := s.replay(w.Book)
		newest, ok := state.Newest()
		if !ok {
			return errs.New(errs.Conflict, CodeFirstCharter,
				"This fund has no charter yet. Bring the first one in on its host: causeway admin charter.")
		}
		if slices.ContainsFunc(w.Drafts, func(d Draft) bool { return bytes.Equal(d.Text, text) }) {
			return nil
		}
		if err := c.Follows(newest); err != nil {
			return err
		}
		if len(charter.Diff(newest, c)) == 0 {
			return errs.New(
				errs.Conflict,
				CodeDraftUnchanged,
				"This draft says what the charter in force says. Change something.",
			)
		}
		if len(w.Drafts) >= MaxDrafts {
			return errs.Newf(errs.Conflict, CodeTooManyDrafts,
				"%d drafts wait for signatures already. Sign one of them; the others then go.", MaxDrafts)
		}
		now := s.now()
		w.NewDraft = &Draft{Digest: c.Digest(), Text: text, ProposedBy: by.StaffID, At: now}
		w.Entries = []audit.Entry{s.entry(by, "charter.proposed", c.Digest(), now)}
		return nil
	})
}

// Sign keeps a trustee's signature over a draft and, when it has enough, takes the draft in.
// The same signature again changes nothing. Errors are those of sshsig, charter_unknown,
// charter_not_trustee, and what refuses the charter.
func (s *Service) Sign(ctx context.Context, by identity.Actor, digest decision.Digest, armored []byte) error {
	if err := by.Require(identity.PermCharterPropose); err != nil {
		return err
	}
	signature, err := sshsig.Parse(armored)
	if err != nil {
		return err
	}
	return s.store.UpdateBook(ctx, func(w *Work) error {
		i := slices.IndexFunc(w.Drafts, func(d Draft) bool { return d.Digest == digest })
		if i < 0 {
			return unknown(digest)
		}
		draft := w.Drafts[i]
		if err := signature.Verify(draft.Text); err != nil {
			return err
		}
		c, err := charter.Parse(draft.Text)
		if err != nil {
			return err
		}
		now := s.now()
		state, _, _ := s.replay(w.Book)
		if !asks(append(state.Binding(now), c), signature.Key) {
			return notTrustee()
		}
		key := signature.Key.Fingerprint()
		if slices.ContainsFunc(draft.Signatures, func(s Signature) bool { return s.Key == key }) {
			return nil
		}
		added := Signature{Charter: digest, Key: key, Armored: armored, At: now}
		w.NewSignature = &added
		w.Entries = []audit.Entry{s.entry(by, "charter.signed", digest, now)}
		all := append(slices.Clone(draft.Signatures), added)
		_, err = s.judge(state, draft.Text, all, now)
		if errs.Is(err, authority.CodeCharterUnsigned) {
			return nil // it waits for more
		}
		if err != nil {
			return err
		}
		w.NewTaken = &Taken{Digest: digest, Text: draft.Text, Signatures: all, At: now}
		for _, d := range w.Drafts { // each followed the charter that is replaced now
			w.DropDrafts = append(w.DropDrafts, d.Digest)
		}
		w.Entries = append(w.Entries, s.entry(by, "charter.taken_in", digest, now))
		return nil
	})
}

// asks reports whether the key belongs to a trustee of one of the charters.
func asks(charters []charter.Charter, key sshsig.Key) bool {
	return slices.ContainsFunc(charters, func(c charter.Charter) bool {
		_, ok := c.TrusteeOf(key)
		return ok
	})
}

func notTrustee() error {
	return errs.New(errs.Conflict, CodeNotTrustee,
		"The key that signed belongs to no trustee of this charter or of one that binds. Nothing was kept.")
}

func unknown(digest decision.Digest) error {
	return errs.Newf(errs.NotFound, CodeUnknownCharter,
		"There is no charter with digest %s. It was never proposed, or another one was taken in since.", digest)
}
