package identity_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// matrix repeats the policy in another form, cell by cell: a change has to be
// made twice, on purpose. Columns: reviewer, treasurer, admin, auditor,
// operator, system, nobody.
const matrix = `
application.claim   + - - - - - -
application.decide  + - - - - - -
application.own     - - - - + - -
application.read    + - - - - + -
application.unseal  + - - - - - -
application.vote    + - - - - - -
audit.read          - - + + - + -
batch.approve       - + - - - - -
batch.compose       - + - - - - -
batch.read          - + - + - + -
breaker.read        - + + + - + -
breaker.reset       - + + - - - -
charter.propose     + + + + - - -
charter.read        + + + + - + -
endpoint.check      + - - - - - -
endpoint.read       + + + + - + -
grant.read          - + - + - + -
public              + + + + + + +
session.manage      + + + + - - -
staff.manage        - - + - - + -
token.manage        + + + + - - -
treasury.read       - + - + - + -
vantage.manage      - - + - - + -
`

func TestPolicyIsTheMatrix(t *testing.T) {
	t.Parallel()
	staff := func(r identity.Role) identity.Actor {
		return identity.Actor{Kind: identity.KindStaff, StaffID: uuid.New(), Roles: []identity.Role{r}}
	}
	actors := []identity.Actor{
		staff(identity.RoleReviewer), staff(identity.RoleTreasurer), staff(identity.RoleAdmin), staff(identity.RoleAuditor),
		identity.Operator(uuid.New()), identity.System("worker"),
		{},
	}
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	if len(lines) != len(identity.Permissions()) {
		t.Fatalf("%d permissions, the matrix has %d", len(identity.Permissions()), len(lines))
	}
	for i, p := range identity.Permissions() {
		cells := strings.Fields(lines[i])
		if cells[0] != string(p) || len(cells) != len(actors)+1 {
			t.Fatalf("line %d is %q, want %s and %d cells", i, lines[i], p, len(actors))
		}
		for j, actor := range actors {
			if want := cells[j+1] == "+"; actor.Can(p) != want {
				t.Errorf("%s can %s: %t, want %t", actor.Label(), p, actor.Can(p), want)
			}
		}
	}
}

func TestUnknownPermissionIsDenied(t *testing.T) {
	t.Parallel()
	all := identity.Actor{Kind: identity.KindStaff, Roles: identity.Roles()}
	for _, actor := range []identity.Actor{all, identity.System("worker"), identity.Operator(uuid.New()), {}} {
		if actor.Can("application.delete") || actor.Can("") {
			t.Errorf("%s can do what the policy does not know", actor.Label())
		}
	}
}

func TestTokenWithoutScopesCanNothing(t *testing.T) {
	t.Parallel()
	actor := identity.Actor{Kind: identity.KindStaff, Roles: identity.Roles(), TokenID: uuid.New()}
	for _, p := range identity.Permissions() {
		if p != identity.PermPublic && actor.Can(p) {
			t.Errorf("can %s", p)
		}
	}
}

func TestRequireTellsNobodyFromSomebody(t *testing.T) {
	t.Parallel()
	if err := (identity.Actor{}).Require(identity.PermBatchRead); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("nobody: %v", err)
	}
	if err := identity.Operator(uuid.New()).Require(identity.PermBatchRead); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("operator: %v", err)
	}
}

func TestScopesLeaveOutWhatWouldMakeATokenPermanent(t *testing.T) {
	t.Parallel()
	for _, p := range []identity.Permission{identity.PermStaffManage, identity.PermTokenManage, identity.PermSessionManage, identity.PermVantageManage} {
		if slices.Contains(identity.Scopes(identity.Roles()), p) {
			t.Errorf("a token may %s", p)
		}
	}
}

func TestRoleSets(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		roles []identity.Role
		ok    bool
	}{
		"reviewer":            {[]identity.Role{identity.RoleReviewer}, true},
		"reviewer, treasurer": {[]identity.Role{identity.RoleReviewer, identity.RoleTreasurer}, true},
		"admin, auditor":      {[]identity.Role{identity.RoleAdmin, identity.RoleAuditor}, true},
		"none":                {nil, false},
		"admin, reviewer":     {[]identity.Role{identity.RoleAdmin, identity.RoleReviewer}, false},
		"treasurer, admin":    {[]identity.Role{identity.RoleTreasurer, identity.RoleAdmin}, false},
		"twice":               {[]identity.Role{identity.RoleAuditor, identity.RoleAuditor}, false},
		"unknown":             {[]identity.Role{"root"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := identity.ValidateRoles(tt.roles); (err == nil) != tt.ok {
				t.Errorf("got %v, want ok %t", err, tt.ok)
			}
		})
	}
}

func TestStaffAreManagedByAdminsAndNotByThemselves(t *testing.T) {
	t.Parallel()
	b := setup(t, demo)
	reviewer := b.demoSignIn(t, "Anna", identity.RoleReviewer).Actor
	boss := b.demoSignIn(t, "Olga", identity.RoleAdmin).Actor

	_, _, err := b.Invite(t.Context(), reviewer, "Friend", []identity.Role{identity.RoleReviewer})
	wantCode(t, err, "not_permitted")
	_, err = b.SetRoles(t.Context(), boss, boss.StaffID, []identity.Role{identity.RoleTreasurer})
	wantCode(t, err, "own_account")
	_, err = b.Disable(t.Context(), boss, boss.StaffID)
	wantCode(t, err, "own_account")
	_, _, err = b.Invite(t.Context(), boss, "Anna", []identity.Role{identity.RoleReviewer})
	wantCode(t, err, "staff_name_taken")
	if _, err := b.SetRoles(t.Context(), boss, reviewer.StaffID, []identity.Role{identity.RoleAuditor}); err != nil {
		t.Error(err)
	}
	_, err = b.Enable(t.Context(), reviewer, boss.StaffID)
	wantCode(t, err, "not_permitted")
	_, err = b.Enable(t.Context(), boss, reviewer.StaffID)
	wantCode(t, err, "staff_enabled")
	if _, err := b.Disable(t.Context(), boss, reviewer.StaffID); err != nil {
		t.Error(err)
	}
	if p, err := b.Enable(t.Context(), boss, reviewer.StaffID); err != nil || p.DisabledAt != nil {
		t.Errorf("enabled: %+v, %v", p, err)
	}
	if all, err := b.ListStaff(t.Context(), boss); err != nil || len(all) != 2 {
		t.Errorf("got %d staff, %v", len(all), err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := setup(t)
	tests := map[string]identity.Config{
		"no store":    {Clock: good.clock, PublicURL: publicURL, CSRFKey: make([]byte, 32)},
		"short key":   {Store: good.store, Clock: good.clock, PublicURL: publicURL, CSRFKey: make([]byte, 31)},
		"no host":     {Store: good.store, Clock: good.clock, PublicURL: "localhost:8080", CSRFKey: make([]byte, 32)},
		"ip address":  {Store: good.store, Clock: good.clock, PublicURL: "http://127.0.0.1:8080", CSRFKey: make([]byte, 32)},
		"ftp address": {Store: good.store, Clock: good.clock, PublicURL: "ftp://localhost", CSRFKey: make([]byte, 32)},
	}
	for name, cfg := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := identity.New(cfg); err == nil {
				t.Error("accepted")
			}
		})
	}
}
