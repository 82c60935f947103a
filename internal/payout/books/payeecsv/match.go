package payeecsv

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/google/uuid"

	"github.com/causeway-fund/causeway/internal/errs"
)

// statePayable is the state of an instalment that can go into a batch.
const statePayable = "payable"

// PayableRef is an instalment that a row may mean. Those that cannot be paid now
// are worth giving too: their rows get a better reason than an unknown reference.
type PayableRef struct {
	InstalmentID uuid.UUID
	Reference    string // of the grant
	Address      string // canonical
	AmountSat    btcutil.Amount
	State        string // "" or "payable": can be paid now
}

// Matched is the outcome of one row: an instalment, or every reason why none.
type Matched struct {
	Line         int
	InstalmentID uuid.UUID    // uuid.Nil when there are reasons
	Reasons      []errs.Field // codes row_has_errors, unknown_reference, other_address, other_amount, not_payable, named_twice
}

// Match finds the instalment of each row: same reference, same address, same
// amount, payable now, and not taken by a row before. It returns one outcome a
// row, in the order of rows.
func Match(rows []Row, payable []PayableRef) []Matched {
	byReference := map[string][]PayableRef{}
	for _, p := range payable {
		key := sameReference(p.Reference)
		byReference[key] = append(byReference[key], p)
	}
	taken := map[uuid.UUID]int{} // the line that took it
	out := make([]Matched, len(rows))
	for i, row := range rows {
		out[i] = Matched{Line: row.Line}
		if len(row.Errors) > 0 {
			own := reason("line", CodeRowHasErrors, "The line has errors of its own.", nil)
			out[i].Reasons = append([]errs.Field{own}, alsoWrong(row, byReference[sameReference(row.Reference)])...)
			continue
		}
		id, why := find(row, byReference[sameReference(row.Reference)], taken)
		if len(why) > 0 {
			out[i].Reasons = why
			continue
		}
		out[i].InstalmentID = id
		taken[id] = row.Line
	}
	return out
}

// find narrows the instalments of one grant down to the one that the row means.
// Where none has both the address and the amount of the row, it says what differs: of
// the instalment with the same address, or else the same amount, or else any.
func find(row Row, list []PayableRef, taken map[uuid.UUID]int) (uuid.UUID, []errs.Field) {
	if len(list) == 0 {
		return uuid.Nil, []errs.Field{
			reason(
				colReference,
				CodeUnknownReference,
				"No grant has the reference "+strconv.Quote(row.Reference)+".",
				nil,
			),
		}
	}
	here := only(list, func(p PayableRef) bool { return sameAddress(p.Address) == sameAddress(row.Address) })
	same := only(here, func(p PayableRef) bool { return p.AmountSat == row.AmountSat })
	if len(same) == 0 {
		return uuid.Nil, differences(row, list, here)
	}
	left := only(same, PayableRef.payable)
	if len(left) == 0 {
		state := same[0].State
		return uuid.Nil, []errs.Field{
			reason(
				"line",
				errs.CodeNotPayable,
				"This instalment cannot be paid now; its state is "+state+".",
				map[string]string{"state": state},
			),
		}
	}
	for _, p := range left {
		if _, gone := taken[p.InstalmentID]; !gone {
			return p.InstalmentID, nil
		}
	}
	line := taken[left[0].InstalmentID]
	return uuid.Nil, []errs.Field{
		reason(
			"line",
			CodeNamedTwice,
			fmt.Sprintf("Line %d already has this instalment.", line),
			map[string]string{"line": strconv.Itoa(line)},
		),
	}
}

// alsoWrong says what is wrong with the readable columns of a row that has errors.
func alsoWrong(row Row, list []PayableRef) []errs.Field {
	faulty := func(names ...string) bool {
		return slices.ContainsFunc(row.Errors, func(f errs.Field) bool { return slices.Contains(names, f.Field) })
	}
	if faulty("line", colReference) {
		return nil
	}
	if len(list) == 0 {
		_, why := find(row, list, nil)
		return why
	}
	here := only(list, func(p PayableRef) bool { return sameAddress(p.Address) == sameAddress(row.Address) })
	return slices.DeleteFunc(differences(row, list, here), func(f errs.Field) bool {
		return f.Field == colAddress && faulty(colAddress) || f.Field == "amount" && faulty(colSat, colBTC)
	})
}

// differences says all that a row has otherwise than what was decided. here are the
// instalments of list at the row's address.
func differences(row Row, list, here []PayableRef) []errs.Field {
	var why []errs.Field
	at := here
	if len(here) == 0 {
		at = list
		decided := preferPayable(list)[0].Address
		why = append(why, reason(
			colAddress,
			CodeOtherAddress,
			fmt.Sprintf(
				"The list names %s, but the decision pays %s. The decision counts; find out why they differ before you continue.",
				row.Address,
				decided,
			),
			map[string]string{"listed": row.Address, "decided": decided},
		))
	}
	if !slices.ContainsFunc(at, func(p PayableRef) bool { return p.AmountSat == row.AmountSat }) {
		decided := amounts(preferPayable(at))
		why = append(why, reason("amount", CodeOtherAmount,
			fmt.Sprintf("The list says %d sat, but %s sat were decided.", int64(row.AmountSat), decided),
			map[string]string{"listed": strconv.FormatInt(int64(row.AmountSat), 10), "decided": decided}))
	}
	if now := preferPayable(at); !now[0].payable() {
		why = append(
			why,
			reason(
				"line",
				errs.CodeNotPayable,
				"This instalment cannot be paid now; its state is "+now[0].State+".",
				map[string]string{"state": now[0].State},
			),
		)
	}
	return why
}

func (p PayableRef) payable() bool { return p.State == "" || p.State == statePayable }

func only(list []PayableRef, keep func(PayableRef) bool) []PayableRef {
	return slices.DeleteFunc(slices.Clone(list), func(p PayableRef) bool { return !keep(p) })
}

func preferPayable(list []PayableRef) []PayableRef {
	if now := only(list, PayableRef.payable); len(now) > 0 {
		return now
	}
	return list
}

// amounts lists what was decided, each amount once.
func amounts(list []PayableRef) string {
	var texts []string
	for _, p := range list {
		if s := strconv.FormatInt(int64(p.AmountSat), 10); !slices.Contains(texts, s) {
			texts = append(texts, s)
		}
	}
	return strings.Join(texts, " or ")
}

func reason(field string, code errs.Code, message string, params map[string]string) errs.Field {
	return errs.Field{Field: field, Code: code, Message: message, Params: params}
}

// sameReference is equal for references that differ in capital letters alone.
func sameReference(s string) string { return strings.ToUpper(s) }

// sameAddress is equal for the two spellings of one address: BIP173 allows it in
// capital letters. Base58 distinguishes them, and mixed bech32 is no address.
func sameAddress(s string) string {
	if lower := strings.ToLower(s); s == strings.ToUpper(s) && looksSegwit(lower) {
		return lower
	}
	return s
}

func looksSegwit(lower string) bool {
	for _, prefix := range []string{"bc1", "tb1", "sb1", "bcrt1"} {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	return false
}
