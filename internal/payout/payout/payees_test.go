package payout_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/clock"
	"github.com/causeway-fund/causeway/internal/errs"
	"github.com/causeway-fund/causeway/internal/payout/treasurer"
	"github.com/causeway-fund/causeway/internal/review/grant"
	"github.com/causeway-fund/causeway/internal/trust/identity"
)

// pagesOfGrants gives one grant a page.
type pagesOfGrants []grant.GrantRecord

func (p pagesOfGrants) Grants(_ context.Context, _ identity.Actor, cursor string, _ int) ([]grant.GrantRecord, string, error) {
	at, _ := strconv.Atoi(cursor)
	if at == len(p)-1 {
		return p[at:], "", nil
	}
	return p[at : at+1], strconv.Itoa(at + 1), nil
}

// noStore is a store of which nothing may be asked.
type noStore struct{ treasurer.Store }

func TestMatchPayeesAnswersForEveryLine(t *testing.T) {
	t.Parallel()
	const address, other = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr"
	first, second, paid := uuid.New(), uuid.New(), uuid.New()
	one := func(reference string, id uuid.UUID, amount btcutil.Amount, state grant.InstalmentState) grant.GrantRecord {
		return grant.GrantRecord{
			Grant:       grant.Grant{Reference: reference},
			Instalments: []grant.Instalment{{ID: id, PayeeAddress: address, Amount: amount, State: state}},
		}
	}
	grants := pagesOfGrants{one("CW-1", first, 1_000, grant.Payable), one("CW-2", paid, 2_000, grant.Paid), one("CW-3", second, 3_000, grant.Payable)}
	service, err := treasurer.New(treasurer.Config{Store: noStore{}, Clock: clock.Real{}})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join([]string{
		"reference,address,amount_sat",
		"CW-3," + address + ",3000",
		"CW-1," + other + ",1000",
		"CW-2," + address + ",2000",
		"CW-9," + address + ",1000",
		"CW-1," + address + ",1E3",
		"CW-1," + address + ",1000",
		"", "",
	}, "\n")
	treasurer := identity.Actor{Kind: identity.KindStaff, Roles: []identity.Role{identity.RoleTreasurer}}
	list, err := service.MatchPayees(t.Context(), treasurer, grants, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list.Rows {
		line := strconv.Itoa(r.Line)
		for _, e := range r.Errors {
			line += " " + string(e.Code)
		}
		got = append(got, line)
	}
	if diff := cmp.Diff([]string{"2", "3 other_address", "4 not_payable", "5 unknown_reference", "6 scientific", "7"}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]uuid.UUID{second, first}, list.IDs()); diff != "" {
		t.Error(diff)
	}
	if list.OK() || list.Matched != 4_000 || list.Lines != 1+len(list.Rows)+list.EmptyAtEnd {
		t.Errorf("ok %v, %d sat, %d lines, %d empty", list.OK(), list.Matched, list.Lines, list.EmptyAtEnd)
	}

	reviewer := identity.Actor{Kind: identity.KindStaff, Roles: []identity.Role{identity.RoleReviewer}}
	if _, err := service.MatchPayees(t.Context(), reviewer, grants, []byte(text)); errs.KindOf(err) != errs.Forbidden {
		t.Errorf("a reviewer: %v", err)
	}
	if _, err := service.MatchPayees(t.Context(), treasurer, grants, nil); errs.CodeOf(err) != "bad_payee_list" {
		t.Errorf("an empty file: %v", err)
	}
}
