package identity

import "slices"

// Role is what a member of staff is trusted with.
type Role string

// The roles. A person may hold several, within ValidateRoles.
const (
	RoleReviewer  Role = "reviewer"
	RoleTreasurer Role = "treasurer"
	RoleAdmin     Role = "admin"
	RoleAuditor   Role = "auditor"
)

// Roles lists every role, in the order pages show them.
func Roles() []Role { return []Role{RoleReviewer, RoleTreasurer, RoleAdmin, RoleAuditor} }

// Permission names one thing that can be done; routes and services ask for it.
type Permission string

// The permissions.
const (
	PermPublic            Permission = "public"             // pages and routes anyone may use
	PermApplicationOwn    Permission = "application.own"    // an operator's own application, by receipt
	PermApplicationRead   Permission = "application.read"   // sealed fields stay sealed
	PermApplicationUnseal Permission = "application.unseal" // open sealed fields; an audit leaf once a session or token and application
	PermApplicationClaim  Permission = "application.claim"
	PermApplicationVote   Permission = "application.vote"
	PermApplicationDecide Permission = "application.decide"
	PermGrantRead         Permission = "grant.read"
	PermBatchRead         Permission = "batch.read"
	PermBatchCompose      Permission = "batch.compose"
	PermBatchApprove      Permission = "batch.approve"
	PermTreasuryRead      Permission = "treasury.read"
	PermBreakerRead       Permission = "breaker.read"  // what stopped all signing, and nothing else of the treasury
	PermBreakerReset      Permission = "breaker.reset" // consent to sign again after a surprise; by a person who is signed in
	PermAuditRead         Permission = "audit.read"
	PermEndpointRead      Permission = "endpoint.read"  // verdicts, uptime, what endpoints share: nothing that says where they are
	PermEndpointCheck     Permission = "endpoint.check" // ask for a check
	PermVantageManage     Permission = "vantage.manage" // enrol and disable probers
	PermCharterRead       Permission = "charter.read"
	PermCharterPropose    Permission = "charter.propose" // hand in drafts and trustees' signatures, which have weight of their own
	PermStaffManage       Permission = "staff.manage"
	PermTokenManage       Permission = "token.manage"   // one's own API tokens
	PermSessionManage     Permission = "session.manage" // one's own sessions
)

// rule says who holds a permission. The zero rule holds for nobody.
type rule struct {
	roles    []Role
	operator bool // an operator, on the application of their receipt
	system   bool // a part of Causeway acting on its own
	public   bool
	noToken  bool // never by API token: a stolen token must not make itself permanent, nor say that a person understood something
}

// policy is the whole of who may do what. Voting, deciding, unsealing and
// approving are for people; no part of the system and no admin can do them.
var policy = map[Permission]rule{
	PermPublic:            {public: true},
	PermApplicationOwn:    {operator: true},
	PermApplicationRead:   {roles: []Role{RoleReviewer}, system: true},
	PermApplicationUnseal: {roles: []Role{RoleReviewer}},
	PermApplicationClaim:  {roles: []Role{RoleReviewer}},
	PermApplicationVote:   {roles: []Role{RoleReviewer}},
	PermApplicationDecide: {roles: []Role{RoleReviewer}},
	PermGrantRead:         {roles: []Role{RoleTreasurer, RoleAuditor}, system: true},
	PermBatchRead:         {roles: []Role{RoleTreasurer, RoleAuditor}, system: true},
	PermBatchCompose:      {roles: []Role{RoleTreasurer}},
	PermBatchApprove:      {roles: []Role{RoleTreasurer}},
	PermTreasuryRead:      {roles: []Role{RoleTreasurer, RoleAuditor}, system: true},
	PermBreakerRead:       {roles: []Role{RoleTreasurer, RoleAdmin, RoleAuditor}, system: true},
	PermBreakerReset:      {roles: []Role{RoleTreasurer, RoleAdmin}, noToken: true},
	PermAuditRead:         {roles: []Role{RoleAuditor, RoleAdmin}, system: true},
	PermEndpointRead:      {roles: Roles(), system: true},
	PermEndpointCheck:     {roles: []Role{RoleReviewer}},
	PermVantageManage:     {roles: []Role{RoleAdmin}, system: true, noToken: true},
	PermCharterRead:       {roles: Roles(), system: true},
	PermCharterPropose:    {roles: Roles()},
	PermStaffManage:       {roles: []Role{RoleAdmin}, system: true, noToken: true},
	PermTokenManage:       {roles: Roles(), noToken: true},
	PermSessionManage:     {roles: Roles(), noToken: true},
}

// Permissions lists every permission of the policy, sorted.
func Permissions() []Permission {
	all := make([]Permission, 0, len(policy))
	for p := range policy {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// Policy returns a copy of the table of roles for each permission; a permission
// that maps to no role is not for staff. It is for documentation and for tests
// that compare it with routes.
func Policy() map[Permission][]Role {
	table := make(map[Permission][]Role, len(policy))
	for p, r := range policy {
		table[p] = slices.Clone(r.roles)
	}
	return table
}

// Scopes lists the permissions that an API token may carry for someone with
// these roles, sorted.
func Scopes(roles []Role) []Permission {
	var scopes []Permission
	for _, p := range Permissions() {
		r := policy[p]
		if !r.noToken && slices.ContainsFunc(roles, func(x Role) bool { return slices.Contains(r.roles, x) }) {
			scopes = append(scopes, p)
		}
	}
	return scopes
}
