package grant

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/prose"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// PostMessage adds a word for the operator or for the team.
func (s *Service) PostMessage(
	ctx context.Context,
	by identity.Actor,
	id uuid.UUID,
	audience Audience,
	text string,
) (Application, error) {
	if err := by.Require(identity.PermApplicationVote); err != nil {
		return Application{}, err
	}
	text = prose.Tidy(text)
	var bad []errs.Field
	if audience != ToOperator && audience != ToTeam {
		bad = append(
			bad,
			errs.Field{
				Field:   "audience",
				Code:    CodeUnknownAudience,
				Message: "A message is either for the operator or for the team.",
			},
		)
	}
	if f := checkMessage("text", text); f != nil {
		bad = append(bad, *f)
	}
	if err := errs.InvalidFields(bad); err != nil {
		return Application{}, err
	}
	return s.update(ctx, id, func(w *Work, now time.Time) error {
		message, err := s.sealMessage(w.Application, &by.StaffID, audience, text, now)
		if err != nil {
			return err
		}
		w.NewMessages = append(w.NewMessages, message)
		action := "application.message_to_operator"
		if audience == ToTeam {
			action = "application.internal_note"
		}
		return w.move(by, action, now)
	})
}

func (s *Service) sealMessage(
	a Application,
	by *uuid.UUID,
	audience Audience,
	text string,
	now time.Time,
) (Message, error) {
	id, err := s.newID()
	if err != nil {
		return Message{}, err
	}
	key, err := s.dataKey(a)
	if err != nil {
		return Message{}, err
	}
	body, err := key.Seal(messageAAD(id), []byte(text))
	if err != nil {
		return Message{}, err
	}
	return Message{ID: id, ApplicationID: a.ID, Audience: audience, ByStaff: by, Body: body, CreatedAt: now}, nil
}

func checkMessage(field, text string) *errs.Field {
	return prose.Check(field, text, prose.Rule{Min: 1, Max: MaxMessage, Lines: true})
}
