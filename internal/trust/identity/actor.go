package identity

import (
	"slices"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// ActorKind says what kind of party an Actor is.
type ActorKind string

// The kinds of party. The zero value is nobody and may do nothing.
const (
	KindStaff    ActorKind = "staff"
	KindOperator ActorKind = "operator"
	KindSystem   ActorKind = "system"
)

// Actor is the party on whose behalf something is done. It travels in a context
// only from middleware to handler; below that it is an argument.
type Actor struct {
	Kind          ActorKind
	StaffID       uuid.UUID    // staff
	Name          string       // staff: for pages; system: the part, e.g. "worker"
	Roles         []Role       // staff: as stored when the request came in; to show, never to decide by: Can knows scopes
	SessionID     uuid.UUID    // staff signed in on the dashboard; else nil UUID
	TokenID       uuid.UUID    // staff using an API token; else nil UUID
	Scopes        []Permission // with TokenID: the most the token may do
	ApplicationID uuid.UUID    // operator: the application whose receipt was shown
}

// System returns the actor for a part of Causeway that acts on its own, such as
// "worker" or "admin-cli". The name is lower-case letters and dashes.
func System(part string) Actor { return Actor{Kind: KindSystem, Name: part} }

// Operator returns the actor who holds the receipt of an application.
func Operator(applicationID uuid.UUID) Actor {
	return Actor{Kind: KindOperator, ApplicationID: applicationID}
}

// Label names the actor in audit leaves and logs without personal data:
// "staff:<uuid>", "operator:<application uuid>", "system:<part>" or "nobody".
func (a Actor) Label() string {
	switch a.Kind {
	case KindStaff:
		return "staff:" + a.StaffID.String()
	case KindOperator:
		return "operator:" + a.ApplicationID.String()
	case KindSystem:
		return "system:" + a.Name
	}
	return "nobody"
}

// Via returns by what staff came: the token or the session, and the person where
// there is neither.
func (a Actor) Via() uuid.UUID {
	switch {
	case a.TokenID != uuid.Nil:
		return a.TokenID
	case a.SessionID != uuid.Nil:
		return a.SessionID
	}
	return a.StaffID
}

// Can reports whether the policy lets the actor do p. Which object it may be
// done to is checked where the object is read.
func (a Actor) Can(p Permission) bool {
	rule, known := policy[p]
	if !known {
		return false
	}
	if rule.public {
		return true
	}
	switch a.Kind {
	case KindStaff:
		if a.TokenID != uuid.Nil && (rule.noToken || !slices.Contains(a.Scopes, p)) {
			return false
		}
		return slices.ContainsFunc(a.Roles, func(r Role) bool { return slices.Contains(rule.roles, r) })
	case KindOperator:
		return rule.operator
	case KindSystem:
		return rule.system
	}
	return false
}

// Require returns nil when the actor can do p; otherwise Unauthenticated
// ("sign_in_required") for nobody and Forbidden ("not_permitted") for others.
func (a Actor) Require(p Permission) error {
	if a.Can(p) {
		return nil
	}
	if a.Kind == "" {
		return errSignIn()
	}
	err := errs.New(errs.Forbidden, CodeNotPermitted, "Your role does not allow this. Nothing was changed.")
	err.Params = map[string]string{"permission": string(p)}
	return err
}
