package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/prose"
)

// ValidateRoles checks a set of roles: at least one, each known and once, and
// admin not together with reviewer or treasurer. Invalid with field "roles".
func ValidateRoles(roles []Role) error {
	field := func(code errs.Code, message string) error {
		return errs.InvalidFields([]errs.Field{{Field: "roles", Code: code, Message: message}})
	}
	if len(roles) == 0 {
		return field(errs.CodeRequired, "needs at least one role")
	}
	for i, r := range roles {
		if !slices.Contains(Roles(), r) {
			return field(CodeUnknown, fmt.Sprintf("%q is no role", r))
		}
		if slices.Contains(roles[:i], r) {
			return field(errs.CodeTwice, fmt.Sprintf("%s stands twice", r))
		}
	}
	if slices.Contains(roles, RoleAdmin) &&
		(slices.Contains(roles, RoleReviewer) || slices.Contains(roles, RoleTreasurer)) {
		return field(CodeRolesConflict, "an admin cannot also review or release money")
	}
	return nil
}

// Invite creates a member of staff and returns a one-time link token with which
// they enrol their passkey. Needs staff.manage. Invalid for a bad name or roles,
// Conflict "staff_name_taken".
func (s *Service) Invite(ctx context.Context, by Actor, name string, roles []Role) (Staff, string, error) {
	if err := by.Require(PermStaffManage); err != nil {
		return Staff{}, "", err
	}
	name, err := checkName("name", name)
	if err != nil {
		return Staff{}, "", err
	}
	if err := ValidateRoles(roles); err != nil {
		return Staff{}, "", err
	}
	id, err := s.newID()
	if err != nil {
		return Staff{}, "", fmt.Errorf("make staff id: %w", err)
	}
	now := s.now()
	person := Staff{ID: id, Name: name, Roles: slices.Clone(roles), CreatedAt: now}
	token, link, err := s.newLink(LinkInvite, id)
	if err != nil {
		return Staff{}, "", err
	}
	if err := s.cfg.Store.CreateStaff(ctx, staffChange(by, "staff.invited", id, now), person, link); err != nil {
		return Staff{}, "", fmt.Errorf("create staff: %w", err)
	}
	return person, token, nil
}

// InviteAgain returns a further link with which a member of staff enrols another
// passkey. Needs staff.manage. NotFound "staff_not_found", Forbidden
// "staff_disabled".
func (s *Service) InviteAgain(ctx context.Context, by Actor, id uuid.UUID) (string, error) {
	if err := by.Require(PermStaffManage); err != nil {
		return "", err
	}
	return s.addLink(ctx, by, LinkInvite, id, "staff.reinvited")
}

// LoginLink returns a link that signs a member of staff in without a passkey.
// Needs staff.manage and Config.AllowLoginLinks: Forbidden "login_links_off".
func (s *Service) LoginLink(ctx context.Context, by Actor, id uuid.UUID) (string, error) {
	if err := by.Require(PermStaffManage); err != nil {
		return "", err
	}
	if !s.cfg.AllowLoginLinks {
		return "", errLoginLinksOff()
	}
	return s.addLink(ctx, by, LinkLogin, id, "staff.login_link")
}

// SetRoles replaces the roles of a member of staff, from their next request on.
// Needs staff.manage; nobody changes their own: Forbidden "own_account".
func (s *Service) SetRoles(ctx context.Context, by Actor, id uuid.UUID, roles []Role) (Staff, error) {
	if err := s.mayChange(by, id); err != nil {
		return Staff{}, err
	}
	if err := ValidateRoles(roles); err != nil {
		return Staff{}, err
	}
	return s.cfg.Store.UpdateStaff(ctx, staffChange(by, "staff.roles_set", id, s.now()), id, func(p *Staff) error {
		p.Roles = slices.Clone(roles)
		return nil
	})
}

// Disable shuts a member of staff out: their sessions, tokens and open links end
// at once, for good, and their name is free for somebody new. Passkeys stay, for
// Enable. Needs staff.manage; nobody disables themselves: Forbidden "own_account".
func (s *Service) Disable(ctx context.Context, by Actor, id uuid.UUID) (Staff, error) {
	if err := s.mayChange(by, id); err != nil {
		return Staff{}, err
	}
	now := s.now()
	return s.cfg.Store.UpdateStaff(ctx, staffChange(by, "staff.disabled", id, now), id, func(p *Staff) error {
		if p.DisabledAt == nil {
			p.DisabledAt = &now
		}
		return nil
	})
}

// Enable lets a disabled member of staff sign in again, with the passkeys and roles
// they had; nobody enables themselves. Needs staff.manage. Conflict
// "staff_name_taken" when somebody new has the name, "staff_enabled" when the person
// is not disabled.
func (s *Service) Enable(ctx context.Context, by Actor, id uuid.UUID) (Staff, error) {
	if err := s.mayChange(by, id); err != nil {
		return Staff{}, err
	}
	return s.cfg.Store.UpdateStaff(ctx, staffChange(by, "staff.enabled", id, s.now()), id, func(p *Staff) error {
		if p.DisabledAt == nil {
			return StoreError(CodeStaffEnabled)
		}
		p.DisabledAt = nil
		return nil
	})
}

// ListStaff returns everyone, oldest first. Needs staff.manage.
func (s *Service) ListStaff(ctx context.Context, by Actor) ([]Staff, error) {
	if err := by.Require(PermStaffManage); err != nil {
		return nil, err
	}
	return s.cfg.Store.ListStaff(ctx)
}

func (s *Service) mayChange(by Actor, id uuid.UUID) error {
	if err := by.Require(PermStaffManage); err != nil {
		return err
	}
	if by.Kind == KindStaff && by.StaffID == id {
		return errs.New(
			errs.Forbidden,
			CodeOwnAccount,
			"Nobody can change their own roles or disable their own account. Ask another admin.",
		)
	}
	return nil
}

func (s *Service) addLink(
	ctx context.Context,
	by Actor,
	purpose LinkPurpose,
	id uuid.UUID,
	action string,
) (string, error) {
	person, err := s.cfg.Store.Staff(ctx, id)
	if err != nil {
		return "", fmt.Errorf("read staff %s: %w", id, err)
	}
	if person.DisabledAt != nil {
		return "", StoreError(CodeStaffDisabled)
	}
	token, link, err := s.newLink(purpose, id)
	if err != nil {
		return "", err
	}
	if err := s.cfg.Store.AddLink(ctx, staffChange(by, action, id, link.CreatedAt), link); err != nil {
		return "", fmt.Errorf("store link: %w", err)
	}
	return token, nil
}

func (s *Service) newLink(purpose LinkPurpose, staffID uuid.UUID) (string, Link, error) {
	id, err := s.newID()
	if err != nil {
		return "", Link{}, fmt.Errorf("make link id: %w", err)
	}
	token, err := newSecret(s.cfg.Random)
	if err != nil {
		return "", Link{}, err
	}
	now := s.now()
	return token, Link{
		ID:        id,
		Hash:      HashSecret(token),
		Purpose:   purpose,
		StaffID:   staffID,
		CreatedAt: now,
		ExpiresAt: now.Add(s.cfg.LinkLife),
	}, nil
}

func staffChange(by Actor, action string, id uuid.UUID, at time.Time) Change {
	return Change{By: by, Action: action, ObjectKind: "staff", ObjectID: id.String(), At: at}
}

// checkName tidies a name that people read and refuses one that would not show as it
// is.
func checkName(field, name string) (string, error) {
	name = prose.Tidy(name)
	if f := prose.Check(field, name, prose.Rule{Min: 1, Max: maxNameLen}); f != nil {
		return "", errs.InvalidFields([]errs.Field{*f})
	}
	return name, nil
}
