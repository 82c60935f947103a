package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/bitcoin/wallet"
	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/fleet/endpoint"
	"github.com/causeway-fund/causeway/internal/review/fund"
	"github.com/causeway-fund/causeway/internal/store/postgres"
	"github.com/causeway-fund/causeway/internal/trust/audit"
	"github.com/causeway-fund/causeway/internal/trust/identity"
	"github.com/causeway-fund/causeway/internal/trust/seal"
)

// CreateFund sets a fund up in an empty, migrated database: it binds the
// database to the fund's network and stores the fund. ownerURL is the database
// owner's; fund.ID and CreatedAt may be zero.
func CreateFund(ctx context.Context, ownerURL string, f fund.Fund) (fund.Fund, error) {
	params, err := wallet.Params(f.Network)
	if err != nil {
		return f, err
	}
	descriptor, err := wallet.ParseChecksummed(f.Descriptor, params)
	if err != nil {
		return f, err
	}
	f.Descriptor = descriptor.String()
	if err := checkReadyCoins(f.ReadyCoins); err != nil {
		return f, err
	}
	if f.ID == uuid.Nil {
		if f.ID, err = uuid.NewV7(); err != nil {
			return f, fmt.Errorf("draw fund id: %w", err)
		}
	}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = clock.Real{}.Now()
	}
	db, err := openDatabase(ctx, ownerURL)
	if err != nil {
		return f, err
	}
	defer db.Close()
	if _, err := db.Fund(ctx); !errs.Is(err, postgres.CodeNoFund) {
		if err == nil {
			err = errs.New(errs.Conflict, CodeFundExists, "This database has a fund already. Nothing was changed.")
		}
		return f, err
	}
	if err := db.Bind(ctx, params.Name, params.GenesisHash.String()); err != nil {
		return f, err
	}
	return f, db.CreateFund(ctx, f)
}

// DefaultFund returns the policy that a fund starts with.
func DefaultFund(name, network, descriptor string) fund.Fund {
	return fund.Fund{
		Name:             name,
		Network:          network,
		Descriptor:       descriptor,
		Budget:           100_000_000,
		MinAmount:        10_000,
		MaxAmount:        5_000_000,
		PolicyVersion:    1,
		Quorum:           2,
		MaxFeeRateSatKVB: fund.DefaultMaxFeeRateSatKVB,
		MaxFee:           fund.DefaultMaxFee,
		PayWindow:        180 * 24 * time.Hour,
		PaidDepth:        6,
		FinalDepth:       100,
		MaxPayees:        fund.DefaultMaxPayees,
		DeadlineBlocks:   fund.DefaultDeadlineBlocks,
		ReadyCoins:       fund.DefaultReadyCoins,
	}
}

// CreateKeys makes the file that seals what operators write, and the key pair of
// the audit log. It overwrites nothing.
func CreateKeys(fundID uuid.UUID, sealPath, auditPath, auditPublicPath string) error {
	if err := seal.GenerateKeyFile(sealPath); err != nil {
		return err
	}
	public, err := audit.GenerateKeyFile(auditPath, audit.Origin(fundID.String()))
	if err != nil {
		return err
	}
	if err := os.WriteFile(auditPublicPath, []byte(public+"\n"), 0o644); err != nil { //nolint:gosec // a public key
		return errs.Wrap(err, errs.Unavailable, errs.CodeFileUnwritable, "Cannot write "+auditPublicPath+".")
	}
	return nil
}

// SetRolePassword lets one of the two database roles, app or worker, log in with a fresh
// password and writes its URL to path: the owner's, with every host and setting.
func SetRolePassword(ctx context.Context, ownerURL, role, path string) error {
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return fmt.Errorf("draw password: %w", err)
	}
	password := hex.EncodeToString(secret)
	db, err := postgres.Open(ctx, ownerURL)
	if err != nil {
		return err
	}
	defer db.Close()
	name, err := db.RoleName(ctx, role)
	if err != nil {
		return err
	}
	url, err := postgres.RoleURL(ownerURL, name, password)
	if err != nil {
		return err
	}
	if err := db.LetIn(ctx, name, password); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeFileUnwritable, "Cannot make the folder of "+path+".")
	}
	if err := os.WriteFile(path, []byte(url+"\n"), 0o600); err != nil {
		return errs.Wrap(err, errs.Unavailable, errs.CodeFileUnwritable, "Cannot write "+path+".")
	}
	return nil
}

// Invite creates a member of staff and returns the one-time link with which they
// enrol a passkey.
func Invite(ctx context.Context, cfg ServeConfig, name string, roles []identity.Role) (link string, err error) {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer s.DB.Close()
	_, token, err := s.Identity.Invite(ctx, identity.System("admin-cli"), name, roles)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(cfg.PublicURL, "/") + "/enrol/" + token, nil
}

// InviteAgain returns a further enrolment link for somebody who lost a passkey.
func InviteAgain(ctx context.Context, cfg ServeConfig, name string) (link string, err error) {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return "", err
	}
	defer s.DB.Close()
	by := identity.System("admin-cli")
	person, err := staffByName(ctx, s.Identity, by, name, false)
	if err != nil {
		return "", err
	}
	token, err := s.Identity.InviteAgain(ctx, by, person.ID)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(cfg.PublicURL, "/") + "/enrol/" + token, nil
}

// ListStaff returns everyone who works for the fund.
func ListStaff(ctx context.Context, cfg ServeConfig) ([]identity.Staff, error) {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer s.DB.Close()
	return s.Identity.ListStaff(ctx, identity.System("admin-cli"))
}

// Disable ends a person's sessions and tokens and keeps them out.
func Disable(ctx context.Context, cfg ServeConfig, name string) error {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.DB.Close()
	by := identity.System("admin-cli")
	person, err := staffByName(ctx, s.Identity, by, name, false)
	if err != nil {
		return err
	}
	_, err = s.Identity.Disable(ctx, by, person.ID)
	return err
}

// Enable lets a disabled person sign in again.
func Enable(ctx context.Context, cfg ServeConfig, name string) error {
	s, err := openServices(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.DB.Close()
	by := identity.System("admin-cli")
	person, err := staffByName(ctx, s.Identity, by, name, true)
	if err != nil {
		return err
	}
	_, err = s.Identity.Enable(ctx, by, person.ID)
	return err
}

// staffByName finds the one person with a name, among those who are disabled or
// among those who are not. The id stands for the name where several left who had it.
func staffByName(
	ctx context.Context,
	svc *identity.Service,
	by identity.Actor,
	name string,
	disabled bool,
) (identity.Staff, error) {
	all, err := svc.ListStaff(ctx, by)
	if err != nil {
		return identity.Staff{}, err
	}
	var found []identity.Staff
	for _, p := range all {
		if (p.Name == name || p.ID.String() == name) && (p.DisabledAt != nil) == disabled {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return identity.Staff{}, errs.Newf(
			errs.Conflict,
			CodeStaffAmbiguous,
			"Several disabled people were called %q. Nothing was changed: name one by its id, as \"causeway admin staff\" lists it.",
			name,
		)
	case disabled:
		return identity.Staff{}, errs.Newf(
			errs.NotFound,
			identity.CodeStaffNotFound,
			"No disabled person here is called %q.",
			name,
		)
	}
	return identity.Staff{}, errs.Newf(errs.NotFound, identity.CodeStaffNotFound, "Nobody here is called %q.", name)
}

func checkReadyCoins(n int) error {
	if n >= 0 && n <= fund.MaxReadyCoins {
		return nil
	}
	return errs.InvalidFields([]errs.Field{
		{
			Field: "ready_coins",
			Code:  errs.CodeOutOfRange,
			Message: fmt.Sprintf(
				"The number of ready coins is from 0 to %d; 0 proposes none. Nothing was changed.",
				fund.MaxReadyCoins,
			),
			Params: map[string]string{"limit": strconv.Itoa(fund.MaxReadyCoins)},
		},
	})
}

// ReadyCoins changes how many coins of the treasury should be ready for a batch of
// their own, and returns how many that are then. A nil n only reads it. ownerURL is
// the database owner's.
func ReadyCoins(ctx context.Context, ownerURL string, n *int) (int, error) {
	db, err := openDatabase(ctx, ownerURL)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	f, err := db.Fund(ctx)
	if err != nil || n == nil {
		return f.ReadyCoins, err
	}
	if err := checkReadyCoins(*n); err != nil {
		return f.ReadyCoins, err
	}
	return *n, db.SetReadyCoins(ctx, *n, audit.Entry{
		Actor: identity.System(
			"admin",
		),
		Action:     "fund.ready_coins",
		ObjectKind: "fund",
		ObjectID:   f.ID.String(),
		At:         clock.Real{}.Now(),
		Detail:     map[string]string{"ready_coins": strconv.Itoa(*n)},
	})
}

// Checks changes how endpoints are checked, and returns the policy that holds then.
// A nil change only reads it. ownerURL is the database owner's.
func Checks(ctx context.Context, ownerURL string, change func(*endpoint.Policy)) (endpoint.Policy, error) {
	db, err := openDatabase(ctx, ownerURL)
	if err != nil {
		return endpoint.Policy{}, err
	}
	defer db.Close()
	f, err := db.Fund(ctx)
	if err != nil {
		return endpoint.Policy{}, err
	}
	policy, err := postgres.EndpointStore{DB: db, Clock: clock.Real{}}.Policy(ctx)
	if err != nil || change == nil {
		return policy, err
	}
	before := policy
	change(&policy)
	if policy == before {
		return policy, nil
	}
	if err := policy.Check(); err != nil {
		return before, err
	}
	return policy, db.SetCheckPolicy(ctx, policy, audit.Entry{
		Actor: identity.System(
			"admin",
		),
		Action:     "checks.changed",
		ObjectKind: "fund",
		ObjectID:   f.ID.String(),
		At:         clock.Real{}.Now(),
		Detail: map[string]string{
			"slot":            policy.Slot.String(),
			"require_control": strconv.FormatBool(policy.RequireControl),
			"min_uptime_permille": strconv.Itoa(
				policy.MinUptimePermille,
			),
			"min_coverage_permille": strconv.Itoa(policy.MinCoveragePermille),
			"pay_place":             string(policy.PayPlace),
		},
	})
}
